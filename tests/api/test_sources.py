"""Sources: a secret lets in its own source's reports, whole and kept before they are answered, and nothing else."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
from sqlalchemy import text

from api.bodies import MAX_BODY, MAX_DELIVERY
from db.engine import Database
from domain.sources.alertmanager import SAMPLE
from domain.sources.source import DeliveryOutcome
from tests.api.caller import SAM, Caller
from tests.ports import free_port

SOURCES = "/sources/demo"
SECONDS = count()


def group(*names: str, status: str = "firing", **annotations: str) -> dict[str, Any]:
    """A delivery with an alert of each of these names, firing anew each time: the same words are the same report."""
    start = (datetime(2026, 11, 30, 8, 15, tzinfo=UTC) + timedelta(seconds=next(SECONDS))).isoformat()
    alerts = [
        {
            "status": status,
            "labels": {"alertname": one},
            "annotations": annotations,
            "fingerprint": one,
            "startsAt": start,
        }
        for one in names
    ]
    return {**SAMPLE, "alerts": alerts}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def add(caller: Caller, name: str = "am") -> str:
    """Add a source; return its secret."""
    answer = await caller.post(SOURCES, {"name": name, "kind": "alertmanager"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/sources/demo/{name}"
    secret: str = answer.json()["secret"]
    return secret


async def send(caller: Caller, secret: str, body: Any = SAMPLE, name: str = "am") -> httpx.Response:
    more: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    return await caller.client.post(f"/api/v1{SOURCES}/{name}", headers=bearer(secret), **more)


async def tickets(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.get("/tickets/demo/tickets", params={"limit": 200})).json()["items"]
    return found


async def deliveries(caller: Caller, name: str = "am") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.get(f"{SOURCES}/{name}")).json()["deliveries"]
    return found


async def test_a_delivery_files_tickets_and_says_what_became_of_each(lone_caller: Caller) -> None:
    secret = await add(lone_caller)
    first = await send(lone_caller, secret, group("Full", "Down"))
    assert (first.status_code, first.json()) == (202, {"reports": 2, "counts": {"filed": 2}, "notes": []})
    again = await send(lone_caller, secret, {**group("Full"), "alerts": [*group("Full")["alerts"], "no object"]})
    assert again.json()["counts"] == {"occurrence": 1, "ignored": 1}
    found = await tickets(lone_caller)
    assert {one["title"]: one["occurrences"] for one in found} == {"Down": 1, "Full": 2}
    assert {one["source"] for one in found} == {"am"}
    basic = await lone_caller.client.post(f"/api/v1{SOURCES}/am", json=group("Full"), auth=("whoever", secret))
    assert basic.status_code == 202
    _, newest, oldest = await deliveries(lone_caller)
    assert [one["became"] for one in newest["results"]] == ["occurrence", "ignored"]
    assert "no object" in newest["results"][1]["why"]
    assert {one["ticket_id"] for one in oldest["results"]} == {one["id"] for one in found}


async def test_nothing_but_its_own_secret_lets_in(lone_caller: Caller) -> None:
    """Whoever tries learns nothing: not which tenants and sources there are."""
    secret = await add(lone_caller)
    other = await add(lone_caller, "other")
    told = set()
    for name, header in (
        ("am", f"Bearer {other}"),
        ("am", f"Bearer {SAM}"),
        ("am", "Bearer "),
        ("am", ""),
        ("am", "Basic x"),
        ("am", "Basic " + base64.b64encode(b"am:wrong").decode()),
        ("none", f"Bearer {secret}"),
    ):
        path = f"/api/v1{SOURCES}/{name}"
        answer = await lone_caller.client.post(path, json=SAMPLE, headers={"Authorization": header})
        told.add((answer.status_code, answer.json()["detail"]))
    answer = await lone_caller.client.post("/api/v1/sources/nobody/am", json=SAMPLE, headers=bearer(secret))
    told.add((answer.status_code, answer.json()["detail"]))
    assert [status for status, _ in told] == [401]
    assert not await tickets(lone_caller)
    assert {one["outcome"] for one in await deliveries(lone_caller)} == {"stranger"}

    for method, path in (
        ("GET", "/tickets/demo/tickets"),
        ("POST", "/tickets/demo/tickets"),
        ("GET", SOURCES),
        ("GET", f"{SOURCES}/am"),
        ("DELETE", f"{SOURCES}/am"),
        ("POST", f"{SOURCES}/am/rotate"),
        ("PUT", f"{SOURCES}/am"),
    ):
        answer = await lone_caller.ask(method, path, {}, headers=bearer(secret))
        assert answer.status_code == 401, (method, path)


async def test_a_secret_is_shown_once_and_kept_nowhere(lone_caller: Caller, database: Database) -> None:
    answer = await lone_caller.post(
        SOURCES, {"name": "am", "kind": "alertmanager"}, headers={"Idempotency-Key": "once"}
    )
    rotated = await lone_caller.post(f"{SOURCES}/am/rotate", {}, headers={"Idempotency-Key": "twice"})
    secrets = [answer.json()["secret"], rotated.json()["secret"]]
    for path in (SOURCES, f"{SOURCES}/am"):
        shown = (await lone_caller.get(path)).text
        assert not any(secret in shown for secret in secrets)
    async with database.read() as session:
        for table in ("sources", "idempotency_keys", "source_deliveries"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert not any(secret.encode() in str(rows).encode() for secret in secrets), table


async def test_two_secrets_let_in_while_one_takes_the_others_place(lone_caller: Caller) -> None:
    old = await add(lone_caller)

    async def rotate(step: str) -> httpx.Response:
        return await lone_caller.post(f"{SOURCES}/am/rotate", {"step": step})

    async def let_in(*secrets: str) -> list[int]:
        return [(await send(lone_caller, secret)).status_code for secret in secrets]

    assert (await rotate("finish")).status_code == 409
    new = (await rotate("begin")).json()["secret"]
    assert await let_in(old, new) == [202, 202]
    assert [one["by_former_secret"] for one in await deliveries(lone_caller)] == [False, True]
    assert (await rotate("begin")).status_code == 409, "a third one would lock out whoever has the first"
    undone = await rotate("undo")
    assert undone.json()["secret"] is None
    assert await let_in(old, new) == [202, 401]
    newer = (await rotate("begin")).json()["secret"]
    assert (await rotate("finish")).json()["is_rotating"] is False
    assert await let_in(old, newer) == [401, 202]


async def test_a_delivery_is_taken_whole_or_not_at_all(lone_caller: Caller, database: Database) -> None:
    secret = await add(lone_caller)
    names = [f"alert-{number}" for number in range(500)]
    async with database.write() as session:
        await session.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON tickets WHEN NEW.external_id = 'alert-400' "
                "BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        )
    refused = await send(lone_caller, secret, group(*names))
    assert refused.status_code >= 500, "Alertmanager sends again what was answered with 5xx, and nothing else"
    assert not await tickets(lone_caller)
    assert not await deliveries(lone_caller)
    async with database.write() as session:
        await session.execute(text("DROP TRIGGER full"))
    assert (await send(lone_caller, secret, group(*names))).json()["counts"] == {"filed": 500}


async def test_neither_a_character_nor_a_size_costs_an_alert(lone_caller: Caller) -> None:
    """What a ticket of the API is refused for is mended in what a monitoring system cannot write otherwise."""
    secret = await add(lone_caller)
    broken = json.dumps(group("A", summary="half \ud800 and \0")).encode()
    assert (await send(lone_caller, secret, broken)).status_code == 202
    assert (await send(lone_caller, secret, broken.replace(b"half", b"\xff\xfe"))).status_code == 202
    assert (await send(lone_caller, secret, group("A", description="x" * MAX_BODY))).status_code == 202
    assert [one["occurrences"] for one in await tickets(lone_caller)] == [3]
    assert (await send(lone_caller, secret, b" " * (MAX_DELIVERY + 1))).status_code == 413


async def test_a_database_that_is_away_is_a_reason_to_send_again(lone_caller: Caller) -> None:
    away = Database(f"postgresql+asyncpg://handrail@127.0.0.1:{free_port()}/handrail")
    async with Caller.of(replace(lone_caller.context, database=away), lone_caller.host) as without:
        answer = await send(without, "whatever")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    await away.close()


async def test_what_is_refused_is_told_kept_for_a_while_and_pushes_out_nothing_else(lone_caller: Caller) -> None:
    secret = await add(lone_caller)
    await send(lone_caller, secret)
    for _ in range(DeliveryOutcome.STRANGER.most_kept + 3):
        await send(lone_caller, "wrong")
    outcomes = [one["outcome"] for one in await deliveries(lone_caller)]
    assert outcomes == ["stranger"] * DeliveryOutcome.STRANGER.most_kept + ["taken"]
    for body, field in ((b"{", "body"), (b'{"version": "4"}', "alerts")):
        answer = await send(lone_caller, secret, body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
    refused = (await deliveries(lone_caller))[:2]
    assert [(one["outcome"], bool(one["why"])) for one in refused] == [("refused", True)] * 2
    for _ in range(10):
        last = await send(lone_caller, "wrong")
    assert last.status_code == 429, "guessing is slowed, and the right one is taken"
    assert (await send(lone_caller, secret)).status_code == 202


async def test_deliveries_at_the_same_time_lose_and_double_nothing(lone_caller: Caller) -> None:
    secret = await add(lone_caller)
    answers = await asyncio.gather(*(send(lone_caller, secret, group("A", "B")) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert {one["title"]: one["occurrences"] for one in await tickets(lone_caller)} == {"A": 5, "B": 5}


async def test_trying_a_payload_files_nothing(lone_caller: Caller) -> None:
    await add(lone_caller)
    sample = (await lone_caller.post(f"{SOURCES}/am/test")).json()
    assert [one["hosts"] for one in sample["reports"]] == [["web-01:9100"]]
    tried = (await lone_caller.post(f"{SOURCES}/am/test", {**group("A"), "alerts": [*group("A")["alerts"], 1]})).json()
    assert ([one["key"] for one in tried["reports"]], len(tried["passed_over"])) == (["A"], 1)
    assert (await lone_caller.post(f"{SOURCES}/am/test", {"version": "4"})).status_code == 422
    assert not await tickets(lone_caller)
    assert not await deliveries(lone_caller)


async def test_a_mapping_says_where_the_fields_are(lone_caller: Caller) -> None:
    made = await lone_caller.post(SOURCES, {"name": "mine", "kind": "generic"})
    assert made.json()["mapping"]["reports"] == "@"
    mapping = {"reports": "events", "title": "what", "key": "nr"}
    payload = {"events": [{"nr": 7, "what": "Replication stopped"}]}
    trial = {"mapping": mapping, "payload": payload}
    tried = await lone_caller.post(f"{SOURCES}/mine/mapping/test", trial)
    assert [(one["key"], one["title"]) for one in tried.json()["reports"]] == [("7", "Replication stopped")]
    secret = made.json()["secret"]
    unmapped = await send(lone_caller, secret, payload, "mine")
    assert unmapped.json()["counts"] == {"ignored": 1}, "what is only tried changes nothing"
    assert (await lone_caller.ask("PUT", f"{SOURCES}/mine/mapping", mapping)).json()["mapping"]["key"] == "nr"
    assert (await send(lone_caller, secret, payload, "mine")).json()["counts"] == {"filed": 1}
    wrong = await lone_caller.ask("PUT", f"{SOURCES}/mine/mapping", {"title": "map(&a, b)"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "title")
    await add(lone_caller)
    assert (await lone_caller.ask("PUT", f"{SOURCES}/am/mapping", mapping)).status_code == 422


async def test_removing_a_source_shuts_the_door_and_keeps_its_tickets(lone_caller: Caller) -> None:
    secret = await add(lone_caller)
    await send(lone_caller, secret, group("A"))
    assert (await lone_caller.ask("DELETE", f"{SOURCES}/am")).status_code == 204
    assert (await send(lone_caller, secret)).status_code == 401
    assert len(await tickets(lone_caller)) == 1
    await add(lone_caller)
    assert not await deliveries(lone_caller)
    for name, kind, field in (("x", "nagging", "kind"), ("api", "alertmanager", "name")):
        answer = await lone_caller.post(SOURCES, {"name": name, "kind": kind})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
