"""Taking reports in: each files a ticket, or is one more word on a ticket that there is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from db.intake import take_reports
from domain.sources.reports import Became, Report, Taken
from services.backends import Backends
from services.occurrences import tell_cleared
from services.tickets import start_accepted
from services.waiting_plans import Later

Keep = Callable[[AsyncSession, list[Taken]], Awaitable[None]]
"""Stores something about what became of reports."""

STARTED_AT_ONCE = 20  # a worker starts the rest of a delivery from the stored intent


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
    retries: bool = False,
) -> list[Taken]:
    """Take a delivery in, whole or not at all; safe once this returns. Answers in the order of the reports.

    `keep` is called within the transaction; with `later` what was filed starts once the sender has its answer.
    `retries`: who reports sends the same words again where it got no answer.
    """
    named = [(f"filed/{key}" if len(reports) == 1 else f"filed/{key}/{at}", one) for at, one in enumerate(reports)]
    async with backends.database.write() as session:
        taken = await take_reports(session, tenant, named, actor, retries=retries)
        if keep is not None:
            await keep(session, taken)
    if later is not None:
        later(_begin, backends, tenant, taken)
    else:
        await _begin(backends, tenant, taken)
    return taken


async def _begin(backends: Backends, tenant: str, taken: Sequence[Taken]) -> None:
    new = list(dict.fromkeys(one.ticket_id for one in taken if one.is_new and one.ticket_id))
    await asyncio.gather(*(start_accepted(backends, tenant, ticket_id) for ticket_id in new[:STARTED_AT_ONCE]))
    cleared = {one.ticket_id for one in taken if one.became is Became.CLEARED and one.ticket_id}
    await tell_cleared(backends.database, backends.workflows, cleared)
