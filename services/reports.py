"""Taking reports in: each files a ticket, or is one more word on a ticket that there is."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from db import tickets
from domain.reports import Became, Report, ReportState, Taken
from domain.ticket import Ticket
from services.backends import Backends
from services.tickets import start_accepted
from services.waiting_plans import Later

Keep = Callable[[AsyncSession, list[Taken]], Awaitable[None]]
"""Stores something about what became of reports."""


async def take(backends: Backends, tenant: str, report: Report, actor: str, key: str) -> Taken:
    """Take one report in. `key` names the delivery: sent again, it does nothing more, and the answer is the same."""
    return (await take_all(backends, tenant, [report], actor, key))[0]


async def take_all(
    backends: Backends,
    tenant: str,
    reports: Sequence[Report],
    actor: str,
    key: str,
    *,
    keep: Keep | None = None,
    later: Later | None = None,
) -> list[Taken]:
    """Take a delivery in, whole or not at all; safe once this returns. Answers in the order of the reports.

    `keep` is called within the transaction; with `later` what was filed starts once the sender has its answer.
    """
    taken: list[Taken] = []
    new = []
    async with backends.database.write() as session:
        for index, report in enumerate(reports):
            if report.state is ReportState.CLEARED:
                taken.append(Taken(became=Became.IGNORED, why="nothing of this source and key is open"))
                continue
            name = f"filed/{key}/{index}"
            ticket, is_new = await tickets.file_ticket(session, tenant, report.as_ticket(), name, actor)
            taken.append(Taken(became=Became.FILED if is_new else Became.OCCURRENCE, ticket_id=ticket.id))
            new += [ticket] if is_new else []
        if keep is not None:
            await keep(session, taken)
    if later is not None:
        later(_start_all, backends, new)
    else:
        await _start_all(backends, new)
    return taken


async def _start_all(backends: Backends, new: Sequence[Ticket]) -> None:
    for ticket in new:
        await start_accepted(backends, ticket)
