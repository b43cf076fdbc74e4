"""What a sender sends again because an answer got lost is counted once, and what is news never passes for that."""

import asyncio
from typing import Any

from sqlalchemy import text

from db.engine import Database
from domain.sources.registry import SENDERS
from domain.sources.signing import HmacForm
from tests.api.caller import Caller
from tests.api.test_signed_sources import add as add_signed
from tests.api.test_signed_sources import send as send_signed
from tests.api.test_sources import add, group, send, tickets
from tests.domain.sources.test_signing import sign


async def counts(caller: Caller, secret: str, body: Any) -> dict[str, int]:
    answer = await send(caller, secret, body)
    assert answer.status_code == 202, answer.text
    found: dict[str, int] = answer.json()["counts"]
    return found


async def test_the_same_words_of_the_same_firing_are_one_report(lone_caller: Caller, database: Database) -> None:
    secret, first = await add(lone_caller), group("A")
    answers = await asyncio.gather(*(counts(lone_caller, secret, first) for _ in range(5)))
    assert sorted(map(str, answers)) == ["{'filed': 1}"] + ["{'ignored': 1}"] * 4
    joined = {**first, "alerts": [*first["alerts"], *group("B")["alerts"]]}
    assert await counts(lone_caller, secret, joined) == {"ignored": 1, "filed": 1}, "its group grew meanwhile"
    assert {one["title"]: one["occurrences"] for one in await tickets(lone_caller)} == {"A": 1, "B": 1}
    async with database.write() as session:  # as if the window had passed: ids begin with their time
        await session.execute(text("UPDATE occurrences SET id = '0000000000' || substr(id, 11)"))
    assert await counts(lone_caller, secret, first) == {"occurrence": 1}, "it reminds of what still fires"


async def test_what_is_news_is_no_retry(lone_caller: Caller) -> None:
    secret, first = await add(lone_caller), group("A")
    await counts(lone_caller, secret, first)
    [alert] = first["alerts"]
    for field, value in (
        ("startsAt", "2026-11-30T12:00:00Z"),
        ("startsAt", None),
        ("startsAt", None),
        ("annotations", {"description": "worse"}),
        ("labels", {"alertname": "A", "severity": "critical"}),
    ):
        assert await counts(lone_caller, secret, {**first, "alerts": [{**alert, field: value}]}) == {"occurrence": 1}
    over = {**first, "alerts": [{**alert, "status": "resolved", "endsAt": "2026-11-30T13:00:00Z"}]}
    assert await counts(lone_caller, secret, over) == {"cleared": 1}
    assert "ignored" not in await counts(lone_caller, secret, first), "it fires again after it was said to be over"


async def test_a_delivery_with_a_name_is_taken_in_once(lone_caller: Caller) -> None:
    added = await add_signed(lone_caller, "pagerduty")
    form, body = HmacForm(**added["signing"]), SENDERS["pagerduty"].sample
    headers = sign(form, added["secret"], body)
    answers = [await send_signed(lone_caller, "pagerduty", headers, body) for _ in range(2)]
    assert [one.json() for one in answers] == [answers[0].json()] * 2
    [ticket] = await tickets(lone_caller)
    assert ticket["occurrences"] == 1
    other = body.replace(b"01EXAMPLE0000000000000001", b"01EXAMPLE0000000000000002").replace(b"P1", b"P2")
    await send_signed(lone_caller, "pagerduty", sign(form, added["secret"], other), other)
    [ticket] = await tickets(lone_caller)
    assert ticket["occurrences"] == 2, "the same incident, another event"
