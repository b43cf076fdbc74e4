"""A ticket as somebody looks at it who may have to decide: all that is known, what changed since, what may be asked."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, events, executions, lease_queue, lists, runbooks, tickets
from db.lists import OutputTail
from domain.connections.connection import Connection
from domain.executions.execution import Execution, ExecutionStatus, replaced_execution
from domain.runbooks.runbook import Runbook
from domain.tickets.event import Event
from domain.tickets.moves import why_no_cancel, why_no_reopen, why_no_run
from domain.tickets.ticket import CloseQuestion
from services.plan_changes import Change, changes
from services.plan_view import view_plan
from services.questions import Seen, Swap, question_of, swap_of
from services.reading import beside
from services.tickets import KnownTicket, find_ticket, know_ticket

TAIL_BYTES = 8_000
EVENTS_SHOWN = 500


@dataclass(frozen=True)
class Look:
    """`connection`: the one that its CI means; `connections`: the names of all; `in_use`: the runbooks that matched,
    best first; `latest`: the execution of its plan; `usual`: how long its steps take, in seconds; `tails`: the ends of
    what they wrote, by position and whether a rollback did; `changes`: to the plan that this one replaced; `pulse`: the
    number of its events."""

    ticket: KnownTicket
    events: list[Event]
    connection: Connection | None
    connections: list[str]
    in_use: list[Runbook]
    latest: Execution | None
    usual: dict[str, float]
    tails: dict[tuple[int, bool], OutputTail]
    changes: list[Change]
    swap: Swap | None
    pulse: int

    @property
    def question(self) -> str:
        return question_of(self.ticket)

    @property
    def is_locked(self) -> bool:
        """Whether nobody may answer yet, since the question has changed under their eyes."""
        return self.swap is not None and self.swap.is_locked

    @property
    def to_undo(self) -> Execution | None:
        """The latest execution that has left something changed which its rollback may undo, now or later."""
        return next((one for one in reversed(self.ticket.executions) if one.can_undo_what_is_left), None)

    @property
    def can_cancel(self) -> bool:
        return why_no_cancel(self.ticket) is None

    @property
    def can_reopen(self) -> bool:
        return why_no_reopen(self.ticket) is None

    @property
    def asks_false_alarm(self) -> bool:
        """Whether a person is asked if anything is wrong at all."""
        return self.ticket.asks_to_close is CloseQuestion.FALSE_ALARM

    @property
    def can_choose(self) -> bool:
        """Whether another runbook can be run now: nothing is under way."""
        return why_no_run(self.ticket, self.ticket.executions) is None


async def look_at(session: AsyncSession, tenant: str, ticket_id: str, seen: Seen | None = None) -> Look:
    """Collect a ticket, for somebody who has seen this of it before. Raises NotFound."""
    await find_ticket(session, tenant, ticket_id)
    _, _, pulse = await tickets.get_pulse(session, ticket_id)  # before the rest, so that what comes meanwhile is news
    known = await know_ticket(session, tenant, ticket_id)
    latest = _latest(known)
    reached = await connections.list_connections(session, tenant)
    meant = known.analysis.ci.connection if known.analysis else None
    tails = await lists.output_tails(session, latest.id, TAIL_BYTES) if latest else []
    return Look(
        ticket=known,
        events=await events.list_events(session, ticket_id, 0, EVENTS_SHOWN),
        connection=next((one for one in reached if one.name == meant), None),
        connections=[one.name for one in reached],
        in_use=await _runbooks(session, known),
        latest=latest,
        usual=await lists.usual_seconds(session, tenant, latest.runbook_id) if latest else {},
        tails={(one.position, one.is_rollback): one for one in tails},
        changes=await _changes(session, known, latest),
        swap=await swap_of(session, tenant, known, seen),
        pulse=pulse,
    )


async def look_again(session: AsyncSession, tenant: str, ticket_id: str, pulse: int, seen: Seen) -> Look | None:
    """Return the ticket, or None where nothing can have changed since a look of that pulse. Raises NotFound."""
    await find_ticket(session, tenant, ticket_id)
    status, _, count = await tickets.get_pulse(session, ticket_id)
    # Who else is in line for its host changes without an event of its own.
    if count == pulse and not status.is_executing and not await lease_queue.is_in_line(session, ticket_id):
        return None
    return await look_at(session, tenant, ticket_id, seen)


def _latest(known: KnownTicket) -> Execution | None:
    plan = known.plan
    return next((one for one in known.executions if one.id == plan.execution_id), None) if plan else None


async def _changes(session: AsyncSession, known: KnownTicket, latest: Execution | None) -> list[Change]:
    """Return what became different since the plan that the waiting one replaced."""
    if known.plan is None or latest is None or latest.status is not ExecutionStatus.AWAITING_APPROVAL:
        return []
    replaced = replaced_execution(known.executions, latest)
    if replaced is None:
        return []
    before = view_plan(await executions.get_plan(session, known.tenant, known.id, replaced.id), replaced)
    return await beside(changes, before, known.plan)


async def _runbooks(session: AsyncSession, known: KnownTicket) -> list[Runbook]:
    matched = [match.runbook_id for match in known.matched_runbooks]
    found = {one.runbook.id: one.runbook for one in await runbooks.get_latest(session, known.tenant, matched)}
    return [found[runbook_id] for runbook_id in matched if runbook_id in found]
