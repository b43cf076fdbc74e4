"""Ending runs of tickets' workflows that may not act: Temporal lets anybody reset one, and there it would wait."""

from collections.abc import AsyncIterator

from db import events, signed
from db.engine import Database
from domain.tickets.event import EventKind
from workflows.watch import WorkflowWatch

AT_ONCE = 500
WHY = "this run was started or reset outside Handrail, so it was ended"


async def end_strangers(database: Database, watch: WorkflowWatch) -> int:
    """End every run that waits and may not act, and say so in its ticket's timeline; returns how many.

    One that is at work ends by itself, or is just being let act. Raises RPCError, SQLAlchemyError.
    """
    ended = 0
    async for some in _by_the_hundred(watch.runs_by_ticket()):
        async with database.read() as session:
            acting = await signed.acting_runs(session, [ticket_id for _, ticket_id, _ in some])
        for tenant, ticket_id, run_id in some:
            if acting.get(ticket_id) in (None, "", run_id, signed.EARLIER_RUN):
                continue
            if await watch.end_if_idle(tenant, ticket_id, run_id, WHY):
                ended += 1
                async with database.write() as session:
                    await events.add_event(
                        session, ticket_id, f"{run_id}/ended", EventKind.REQUEST_REFUSED, f"{WHY}: {run_id}"
                    )
    return ended


async def _by_the_hundred(
    found: AsyncIterator[tuple[str, str, str]],
) -> AsyncIterator[list[tuple[str, str, str]]]:
    some: list[tuple[str, str, str]] = []
    async for one in found:
        some.append(one)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some
