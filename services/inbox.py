"""The inbox: what waits for a person, worst first, with what is asked of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import inbox, lease_queue
from domain.executions.execution import Execution
from domain.executions.lease import words_behind
from domain.tickets.moves import closing_asked
from domain.tickets.ticket import PersonNeeded, Ticket
from services.plan_view import PlanStep, PlanView, current_plan, step_that_waits

PLANNED = (PersonNeeded.APPROVAL, PersonNeeded.UNKNOWN)


@dataclass(frozen=True)
class Waiting:
    """One ticket that waits, and why. `step`: that of its plan which waits; `behind`: who waits behind it, in words."""

    ticket: Ticket
    needed: PersonNeeded
    behind: str
    plan: PlanView | None = None
    step: PlanStep | None = None

    @property
    def until(self) -> datetime | None:
        """When its question expires."""
        return self.plan.expires_at if self.plan and not self.step and self.needed is PersonNeeded.APPROVAL else None


async def worst(session: AsyncSession, tenant: str, most: int) -> tuple[list[Waiting], int]:
    """Return the worst of what waits, and how much waits in all."""
    waiting = (await inbox.waiting_tickets(session, tenant, most)).items
    total = len(waiting) if len(waiting) < most else await inbox.count_waiting(session, tenant)
    behind = await lease_queue.behind(session, [one.id for one in waiting])
    return [await _waiting(session, one, behind.get(one.id, 0)) for one in waiting], total


async def count_waiting(session: AsyncSession, tenant: str) -> int:
    return await inbox.count_waiting(session, tenant)


async def _waiting(session: AsyncSession, ticket: Ticket, behind: int) -> Waiting:
    why = ticket.person_needed or PersonNeeded.ESCALATED
    current = await current_plan(session, ticket.tenant, ticket.id) if why in PLANNED else None
    plan, step = (current[0], _step(*current)) if current else (None, None)
    asked = closing_asked(ticket, [current[1]] if current else [])
    told = ticket.model_copy(update={"asks_to_close": asked})
    return Waiting(told, why, words_behind(behind), plan, step)


def _step(plan: PlanView, execution: Execution) -> PlanStep | None:
    position = step_that_waits(execution)
    return plan.steps[position - 1] if position else None
