"""Undoing a finished execution."""

from pydantic import Field

from db import executions
from db.engine import Database
from domain.base import Model
from domain.executions.execution import Execution
from domain.tickets.ticket import Ticket
from domain.workflows.orders import RollbackQuestion
from domain.workflows.outlines import RollbackOutline
from domain.workflows.requests import RollbackRequest
from services.backends import Backends
from services.decisions import Comment
from services.errors import Conflict, NotFound
from services.tickets import find_ticket


class Undoing(Model):
    execution_id: str | None = Field(default=None, max_length=100, description="The latest one unless named.")
    comment: Comment = ""


async def rollback(
    backends: Backends, tenant: str, ticket_id: str, asked: Undoing, actor: str, key: str
) -> tuple[Ticket, str]:
    """Ask for the rollbacks of every step that changed something; also return the execution's id.

    Raises NotFound, or Conflict where nothing can be undone.
    """
    async with backends.database.read() as session:
        ticket = await find_ticket(session, tenant, ticket_id)
        chosen = _chosen(await executions.list_executions(session, ticket_id), asked.execution_id)
    if why_not := chosen.why_no_rollback():
        raise Conflict(f"execution {chosen.id} cannot be rolled back: {why_not}")
    request = RollbackRequest(request_id=key, execution_id=chosen.id, actor=actor, comment=asked.comment)
    await backends.workflows.rollback(tenant, ticket_id, request)
    return ticket, chosen.id


def _chosen(ran: list[Execution], execution_id: str | None) -> Execution:
    if not ran:
        raise Conflict("nothing has been executed for this ticket, so there is nothing to undo")
    if not execution_id:
        return max(ran, key=lambda execution: execution.created_at)
    chosen = next((one for one in ran if one.id == execution_id), None)
    if chosen is None:
        raise NotFound(f"this ticket has no execution {execution_id!r}; it has: {', '.join(e.id for e in ran)}")
    return chosen


async def outline(database: Database, question: RollbackQuestion) -> RollbackOutline:
    """Say which steps of a finished execution can be undone now, or why it is refused. Raises NotFound."""
    async with database.read() as session:
        ticket = await find_ticket(session, question.tenant, question.ticket_id)
        execution = await executions.get_execution(session, question.tenant, question.execution_id)
        if execution is None or execution.ticket_id != question.ticket_id:
            return RollbackOutline(problem="this ticket has no such execution", ticket_status=ticket.status)
        plan = await executions.get_plan(session, question.tenant, question.ticket_id, execution.id)
    return RollbackOutline.of(plan, execution, ticket.status)
