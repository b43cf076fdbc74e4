"""The same write sent twice is done once."""

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from db.idempotency import ABANDONED_AFTER, claim_key
from db.tables import IdempotencyRow
from domain.base import utc_now
from tests.api.caller import KIM, TENANT, Caller
from tests.api.test_problems import assert_problem

PATH = f"/tickets/{TENANT}/tickets"
KEY = {"Idempotency-Key": "a-key"}


async def count(caller: Caller) -> int:
    return len((await caller.get(PATH)).json()["items"])


async def test_the_answer_is_replayed(lone_caller: Caller) -> None:
    first = await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    again = await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await count(lone_caller) == 1


async def test_many_at_once_are_done_once(lone_caller: Caller) -> None:
    answers = await asyncio.gather(*(lone_caller.post(PATH, {"title": "once"}, headers=KEY) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert await count(lone_caller) == 1


async def test_the_key_for_another_request(lone_caller: Caller) -> None:
    await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    assert_problem(await lone_caller.post(PATH, {"title": "other"}, headers=KEY), 422, "take a new key")
    body = {"mode": "hil"}
    assert_problem(await lone_caller.post(f"/settings/execution-mode/{TENANT}", body, headers=KEY), 422, "new key")
    assert await count(lone_caller) == 1


async def test_two_people_may_choose_the_same_key(lone_caller: Caller) -> None:
    await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    kims = {**KEY, "Authorization": f"Bearer {KIM}"}
    assert (await lone_caller.post(PATH, {"title": "kim's"}, headers=kims)).status_code == 202
    assert await count(lone_caller) == 2


async def test_what_changed_nothing_may_be_tried_again(lone_caller: Caller) -> None:
    ticket_id = await lone_caller.file()
    path = lone_caller.at(ticket_id, "/execute")
    body = {"runbook_id": "touch-file"}
    assert_problem(await lone_caller.post(path, body, headers=KEY), 404)
    await lone_caller.add_runbook()
    assert_problem(await lone_caller.post(path, body, headers=KEY), 503, "Temporal")
    assert_problem(await lone_caller.post(path, body, headers=KEY), 503, "Temporal")
    async with lone_caller.context.database.read() as session:
        assert list(await session.scalars(select(IdempotencyRow.key))) == []


async def test_in_progress_and_abandoned(lone_caller: Caller) -> None:
    first = await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    database = lone_caller.context.database
    async with database.write() as session:  # as if the process had died before it answered
        await session.execute(update(IdempotencyRow).values(status=None, body=None))
    answer = await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    assert_problem(answer, 409, "still being answered")
    assert answer.headers["retry-after"]
    async with database.write() as session:
        long_ago = utc_now() - ABANDONED_AFTER - timedelta(seconds=1)
        await session.execute(update(IdempotencyRow).values(created_at=long_ago))
    again = await lone_caller.post(PATH, {"title": "once"}, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_an_abandoned_claim_is_taken_over_once(lone_caller: Caller) -> None:
    database = lone_caller.context.database
    async with database.write() as session:
        assert await claim_key(session, "k", "d") is None
        await session.execute(update(IdempotencyRow).values(created_at=utc_now() - timedelta(hours=1)))

    async def claim() -> bool:
        async with database.write() as session:
            return await claim_key(session, "k", "d") is None

    assert sorted(await asyncio.gather(*(claim() for _ in range(8)))) == [False] * 7 + [True]


async def test_bad_keys(lone_caller: Caller) -> None:
    for key in ("", "with blank", "x" * 201):
        answer = await lone_caller.post(PATH, {"title": "x"}, headers={"Idempotency-Key": key})
        assert_problem(answer, 422, "Idempotency-Key")


async def test_reads_take_no_notice(lone_caller: Caller) -> None:
    assert (await lone_caller.get(PATH, headers=KEY)).status_code == 200
    assert (await lone_caller.post(PATH, {"title": "x"}, headers=KEY)).status_code == 202


async def test_an_empty_answer_is_replayed_too(lone_caller: Caller) -> None:
    await lone_caller.add_runbook()
    for _ in range(2):
        answer = await lone_caller.ask("DELETE", f"/runbooks/{TENANT}/touch-file", headers=KEY)
        assert (answer.status_code, answer.content) == (204, b"")
