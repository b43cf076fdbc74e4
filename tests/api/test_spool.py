"""The database is away: what is sent once is kept on the disk and taken in later; what is sent again is asked to be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.context import ApiContext
from db.engine import Database
from domain.sources.registry import SENDERS
from reconciler.periodically import run_periodically
from services.spool import Spool
from services.spooled import find_lost, find_spooled, take_next, take_spooled
from services.standby import Standby
from tests.api.caller import Caller
from tests.api.test_sources import bearer, group
from tests.patience import PATIENCE
from tests.ports import free_port

ONCE, AGAIN = "grafana", "alertmanager"


@pytest.fixture
async def context(lone_context: ApiContext, tmp_path: Path) -> ApiContext:
    return replace(lone_context, standby=Standby(Spool(tmp_path / "spool", lone_context.cipher)))


@pytest.fixture
async def caller(context: ApiContext, tmp_path: Path) -> AsyncIterator[Caller]:
    async with Caller.of(context, tmp_path) as caller:
        yield caller


@asynccontextmanager
async def without_database(context: ApiContext) -> AsyncIterator[Caller]:
    """The same API, while its database refuses connections."""
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    async with Caller.of(replace(context, database=away), Path()) as caller:
        yield caller
    await away.close()


async def add(caller: Caller, kind: str) -> dict[str, str]:
    """Add a source of this kind, named after it, and have it deliver once; return its headers."""
    answer = await caller.post("/sources/demo", {"name": kind, "kind": kind})
    headers = bearer(answer.json()["secret"])
    assert (await send(caller, kind, headers, group("first"))).status_code == 202
    return headers


async def send(caller: Caller, kind: str, headers: dict[str, str], body: Any) -> Any:
    more: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    return await caller.client.post(f"/api/v1/sources/demo/{kind}", headers=headers, **more)


async def take_in(context: ApiContext) -> None:
    """Do what the API does all the time, until nothing waits."""
    standby = context.standby
    assert standby is not None
    task = asyncio.create_task(run_periodically(partial(take_next, context.backends, standby), 0.02, "waits"))
    async with asyncio.timeout(PATIENCE):
        while not standby.spool.is_empty or standby.gaps:  # noqa: ASYNC110 - files do not call back
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def deliveries(caller: Caller, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.get(f"/sources/demo/{name}")).json()["deliveries"]
    return found


async def titles(caller: Caller) -> dict[str, str]:
    items = (await caller.get("/tickets/demo/tickets", params={"limit": 200})).json()["items"]
    return {one["title"]: "cleared" if one["cleared_at"] else "firing" for one in items}


async def test_what_is_sent_once_is_kept_and_taken_in_in_order_and_once(context: ApiContext, caller: Caller) -> None:
    headers = await add(caller, ONCE)
    async with without_database(context) as away:
        for body in (group("A"), group("A", status="resolved"), group("B", "C")):
            answer = await send(away, ONCE, headers, body)
            assert answer.status_code == 202, answer.text
            assert answer.json()["counts"] == {"kept": len(body["alerts"])}
        assert (await send(away, ONCE, headers, b"no JSON")).status_code == 422
        assert (await send(away, ONCE, bearer("hrs_another"), group("D"))).status_code == 401
    assert await titles(caller) == {"first": "firing"}
    behind = await send(caller, ONCE, headers, group("B", status="resolved"))
    assert behind.json()["counts"] == {"kept": 1}, "it must not overtake what waits"
    assert context.standby is not None
    found = await context.standby.spool.oldest()
    assert found is not None
    for _ in range(2):  # as if the process had been killed before it forgot what it had taken in
        await take_spooled(context.backends, found[1])
    await take_in(replace(context, standby=Standby(Spool(context.standby.spool.folder, context.cipher))))
    assert await titles(caller) == {"first": "firing", "A": "cleared", "B": "cleared", "C": "firing"}
    told = await deliveries(caller, ONCE)
    assert [one["counts"] for one in told] == [{"cleared": 1}, {"filed": 2}, {"cleared": 1}, {"filed": 1}, {"filed": 1}]
    assert ["the disk" in " ".join(one["notes"]) for one in told] == [True] * 4 + [False]
    assert list(context.standby.spool.folder.iterdir()) == []


async def test_a_secret_that_was_changed_counts_while_something_waits(context: ApiContext, caller: Caller) -> None:
    headers = await add(caller, ONCE)
    async with without_database(context) as away:
        assert (await send(away, ONCE, headers, group("A"))).status_code == 202
    assert context.standby is not None
    context.standby.away_until = 0  # the moment has passed
    new = (await caller.post(f"/sources/demo/{ONCE}/rotate", {"step": "begin"})).json()["secret"]
    assert (await send(caller, ONCE, bearer(new), group("B"))).json()["counts"] == {"kept": 1}
    await caller.post(f"/sources/demo/{ONCE}/rotate", {"step": "finish"})
    assert (await send(caller, ONCE, headers, group("C"))).status_code == 401
    await take_in(context)
    assert await titles(caller) == {"first": "firing", "A": "firing", "B": "firing"}


async def test_who_sends_again_is_asked_to_and_a_stranger_learns_nothing(context: ApiContext, caller: Caller) -> None:
    headers = await add(caller, AGAIN)
    async with without_database(context) as away:
        for kind in (AGAIN, "nobody"):
            answer = await send(away, kind, headers, group("A"))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert context.standby is not None
    assert context.standby.spool.is_empty
    assert {kind for kind, sender in SENDERS.items() if sender.retries} == {
        "alertmanager",
        "cloudwatch",
        "datadog",
        "pagerduty",
    }


async def test_a_disk_that_takes_no_more_refuses_and_the_gap_is_shown(
    context: ApiContext, caller: Caller, database: Database, tmp_path: Path
) -> None:
    headers = await add(caller, ONCE)
    standby = context.standby
    assert standby is not None
    standby.spool.most_files = 1
    async with without_database(context) as away:
        answers = [await send(away, ONCE, headers, group(name)) for name in "ABC"]
        assert [one.status_code for one in answers] == [202, 503, 503]
        assert "disk takes nothing" in answers[1].json()["detail"]
        standby.spool.most_files, standby.spool.folder = 9, tmp_path / "file" / "spool"
        (tmp_path / "file").touch()
        assert (await send(away, ONCE, headers, group("D"))).status_code == 503
        standby.spool.folder = tmp_path / "spool"
    await take_in(context)
    assert await titles(caller) == {"first": "firing", "A": "firing"}
    assert [(one["outcome"], one["counts"]) for one in await deliveries(caller, ONCE)][:1] == [("lost", {"lost": 3})]
    [finding] = await find_lost(database)
    assert (finding.kind, finding.tenant) == ("deliveries_lost", "demo")
    assert "3 refused from" in finding.what


async def test_what_no_key_opens_is_set_aside_and_the_rest_goes_on(
    context: ApiContext, caller: Caller, tmp_path: Path
) -> None:
    headers = await add(caller, ONCE)
    async with without_database(context) as away:
        for name in "AB":
            await send(away, ONCE, headers, group(name))
    folder = tmp_path / "spool"
    first = min(folder.iterdir())
    assert (folder.stat().st_mode & 0o777, first.stat().st_mode & 0o777) == (0o700, 0o600)
    assert b"first" not in first.read_bytes()
    first.write_bytes(b"damaged")
    async with without_database(context) as away:
        await send(away, ONCE, headers, group("C"))
    max(folder.iterdir()).unlink()  # by a person
    await take_in(context)
    assert await titles(caller) == {"first": "firing", "B": "firing"}
    [finding] = await find_spooled(folder)
    assert finding.kind == "deliveries_unreadable"
