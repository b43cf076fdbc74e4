"""The queue for hosts: one order over all of them, and whoever frees a lease learns whose turn it is, and no more."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from db import leases
from db.engine import Database
from db.tables import LeaseRow
from domain.base import utc_now
from domain.executions.lease import LeaseHolder

A_MINUTE = timedelta(minutes=1)


async def take(database: Database, execution_id: str, *hosts: str) -> list[str]:
    async with database.write() as session:
        found = await leases.take_leases(session, "demo", f"t-{execution_id}", execution_id, list(hosts))
    return names(found)


async def release(database: Database, execution_id: str, *hosts: str) -> list[str]:
    """Return who is named as next, each once."""
    async with database.write() as session:
        return list(dict.fromkeys(names(await leases.release_leases(session, execution_id, hosts))))


async def overlooked(database: Database) -> list[str]:
    async with database.read() as session:
        return names(await leases.overlooked(session, utc_now() - A_MINUTE))


def names(holders: list[LeaseHolder]) -> list[str]:
    return [holder.execution_id for holder in holders]


async def test_the_queue_is_in_order_over_several_hosts(database: Database) -> None:
    assert await take(database, "a", "h1") == []
    assert await take(database, "b", "h1", "h2") == ["a"]
    assert await take(database, "c", "h2") == ["b"]
    assert await take(database, "d", "h3") == []
    assert await take(database, "a", "h1") == []
    assert await release(database, "a") == ["b"]
    assert await take(database, "b", "h1", "h2") == []
    assert await release(database, "b") == ["c"]
    assert await release(database, "b") == []
    assert await take(database, "c", "h2") == []


async def test_one_of_many_at_once_holds_a_lease(database: Database) -> None:
    counts = await asyncio.gather(*(take(database, f"e{number}", "host") for number in range(20)))
    assert sorted(len(holders) for holders in counts) == list(range(20))


async def test_of_sixty_in_line_the_next_is_named_and_no_more(database: Database) -> None:
    for number in range(61):
        await take(database, f"e{number}", "host")
    for number in range(60):
        assert await release(database, f"e{number}", "host") == [f"e{number + 1}"]
        assert await take(database, f"e{number + 1}", "host") == []


async def test_giving_back_again_names_the_next_until_it_has_taken(database: Database) -> None:
    """Whoever freed the lease first (a try that died, the reconciler) may have woken nobody."""
    await take(database, "a", "host")
    await take(database, "b", "host")
    await take(database, "c", "host")
    assert await release(database, "a", "host") == ["b"]
    assert await release(database, "a", "host") == ["b"]
    await take(database, "b", "host")
    assert await release(database, "a", "host") == []


async def test_each_freed_host_has_its_own_next(database: Database) -> None:
    await take(database, "a", "h1", "h2", "h3")
    await take(database, "b", "h1")
    await take(database, "c", "h2")
    await take(database, "d", "h1", "h2")
    assert await release(database, "a") == ["b", "c"]


async def test_nobody_is_named_who_still_waits_for_another_host(database: Database) -> None:
    await take(database, "a", "h1")
    await take(database, "b", "h2")
    await take(database, "c", "h1", "h2")
    assert await release(database, "a") == []
    assert await release(database, "b") == ["c"]


async def test_who_leaves_the_line_lets_those_go_who_waited_for_nobody_else(database: Database) -> None:
    await take(database, "a", "h1")
    await take(database, "b", "h1", "h2")
    await take(database, "c", "h1")
    await take(database, "d", "h2")
    assert await release(database, "b") == ["d"]


async def test_whose_turn_was_overlooked_is_found_and_nobody_else(database: Database) -> None:
    await take(database, "a", "h1")
    await take(database, "b", "h1", "h2")
    await take(database, "c", "h2")
    async with database.write() as session:
        await session.execute(update(LeaseRow).values(created_at=utc_now() - 2 * A_MINUTE))
    assert await overlooked(database) == []
    await release(database, "a")
    assert await overlooked(database) == []  # it has only just been its turn
    async with database.write() as session:
        await session.execute(
            update(LeaseRow).values(turn_since=LeaseRow.created_at).where(~LeaseRow.turn_since.is_(None))
        )
    assert set(await overlooked(database)) == {"b"}
    await take(database, "b", "h1", "h2")
    assert await overlooked(database) == []
