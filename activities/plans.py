"""Plans as activities: make one, decide about it, take answers, find out what can be undone."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.messages import (
    AnswerResult,
    DecisionRecord,
    PlanOutline,
    PlanRequest,
    RollbackOutline,
    RollbackQuestion,
)
from activities.records import event_key
from activities.tickets import TicketGone
from db import decisions, events, executions, tickets
from db.engine import Database
from domain.base import utc_now
from domain.decision import DecisionOutcome, RecordedDecision
from domain.ending import EndCause, Ending
from domain.event import EventKind
from domain.execution import Execution, ExecutionStatus
from domain.plan import Plan, StepOutline, VerdictDecision
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.ticket import Ticket, TicketStatus
from services.library import Library, match_query
from services.planning import PlanProblem, draft_plan
from workflows.names import ActivityName

WAYS = {
    VerdictDecision.RUN: "runs at once",
    VerdictDecision.ASK: "waits for approval",
    VerdictDecision.REFUSE: "is refused",
}


class PlanActivities:
    """Everything here reads settings, runbooks and connections at the moment it runs; history keeps the answer."""

    def __init__(self, database: Database, library: Library) -> None:
        self._database, self._library = database, library

    @activity.defn(name=ActivityName.MAKE_PLAN)
    async def make_plan(self, request: PlanRequest) -> PlanOutline:
        """Snapshot the runbook, bind the inputs, resolve the hosts, ask the policy, and store it all."""
        confidence = await self._confidence(request)
        async with self._database.write() as session:
            try:
                plan, timeout = await draft_plan(session, request, confidence)
            except PlanProblem as problem:
                await self._replace(session, request, "it can no longer be planned")
                return PlanOutline(execution_id=request.execution_id, problem=str(problem))
            digest = plan.digest()
            if digest == request.unless_digest:
                return PlanOutline(execution_id=request.execution_id, is_unchanged=True, digest=digest)
            await self._replace(session, request, "the runbook or its connection changed before it was decided")
            await self._store(session, request, plan, digest, timeout)
        return PlanOutline(
            execution_id=request.execution_id,
            digest=digest,
            verdict=plan.verdict,
            runbook_id=plan.runbook_id,
            runbook_version=plan.runbook_version,
            title=plan.title,
            targets=[target.name for target in plan.targets],
            leases=plan.leases,
            steps=[StepOutline.of(step) for step in plan.steps],
            approval_timeout=timeout,
        )

    async def _confidence(self, request: PlanRequest) -> float:
        async with self._database.read() as session:
            ticket = await _ticket(session, request.tenant, request.ticket_id)
            query = await match_query(session, ticket)
        return await self._library.confidence(request.tenant, query, request.runbook_id)

    async def _replace(self, session: AsyncSession, request: PlanRequest, reason: str) -> None:
        if request.replaces:
            words, ending = f"replaced: {reason}", Ending(cause=EndCause.REPLACED)
            await executions.set_execution_status(session, request.replaces, ExecutionStatus.CANCELLED, words, ending)

    async def _store(
        self, session: AsyncSession, request: PlanRequest, plan: Plan, digest: str, timeout: float
    ) -> None:
        """Write the execution, the ticket's status and the event, unless an earlier try of this activity did."""
        now, decision = utc_now(), plan.verdict.decision
        asks = decision is VerdictDecision.ASK
        refused = Ending(cause=EndCause.REFUSED) if decision is VerdictDecision.REFUSE else None
        new = executions.NewExecution(
            id=request.execution_id,
            tenant=request.tenant,
            ticket_id=request.ticket_id,
            plan=plan,
            digest=digest,
            status=_FIRST_STATUS[decision],
            ending=refused,
            requested_by=request.requested_by,
            created_at=now,
            approval_expires_at=now + timedelta(seconds=timeout) if asks else None,
            ended_at=now if refused else None,
        )
        if not await executions.add_execution(session, new):
            return
        await tickets.update_ticket(session, request.ticket_id, execution_id=request.execution_id)
        reasons = "; ".join(plan.verdict.reasons)
        if asks:
            await tickets.set_status(session, request.ticket_id, TicketStatus.AWAITING_APPROVAL, reasons)
        hosts = ", ".join(target.name for target in plan.targets) or "no host"
        await events.add_event(
            session,
            request.ticket_id,
            event_key(),
            EventKind.PLAN_CHANGED if request.replaces else EventKind.PLAN_MADE,
            f"{plan.runbook_id} v{plan.runbook_version} on {hosts} {WAYS[decision]}: {reasons}",
            execution_id=request.execution_id,
            data={"plan_digest": digest},
            actor=request.requested_by,
        )

    @activity.defn(name=ActivityName.RECORD_DECISION)
    async def record_decision(self, record: DecisionRecord) -> None:
        """Store a decision and what became of it."""
        async with self._database.write() as session:
            await _record(session, record)

    @activity.defn(name=ActivityName.TAKE_ANSWERS)
    async def take_answers(self, record: DecisionRecord) -> AnswerResult:
        """Check the answers to a step's question and register them; the decision is stored either way."""
        decision = record.decision
        async with self._database.write() as session:
            plan = await executions.get_plan(session, record.tenant, record.ticket_id, record.execution_id or "")
            ask = plan.step(decision.step or 0).spec.ask
            problem = None
            try:
                answers = await asyncio.to_thread(bind_inputs, ask.answers if ask else {}, decision.answers)
            except InputsInvalid as error:
                problem = str(error)
                record = record.model_copy(update={"result": DecisionOutcome.NOT_AWAITED, "detail": problem})
            else:
                for name, value in answers.items():
                    await executions.set_variable(session, record.execution_id or "", name, value.encode())
            await _record(session, record)
        return AnswerResult(problem=problem)

    @activity.defn(name=ActivityName.ROLLBACK_OUTLINE)
    async def rollback_outline(self, question: RollbackQuestion) -> RollbackOutline:
        """Say which steps of a finished execution can be undone, or why it is refused."""
        async with self._database.read() as session:
            ticket = await _ticket(session, question.tenant, question.ticket_id)
            execution = await executions.get_execution(session, question.tenant, question.execution_id)
            if execution is None or execution.ticket_id != question.ticket_id:
                return RollbackOutline(problem="this ticket has no such execution", ticket_status=ticket.status)
            plan = await executions.get_plan(session, question.tenant, question.ticket_id, execution.id)
        positions = execution.positions_to_undo()
        problem = execution.why_no_rollback()
        return RollbackOutline(
            problem=problem,
            digest=execution.plan_digest,
            title=plan.title,
            runbook_id=plan.runbook_id,
            targets=[target.name for target in plan.targets],
            leases=plan.leases,
            undone_over=execution.undone_over,
            steps=[StepOutline.of(plan.step(position)) for position in positions],
            undone=_undone(execution),
            tries={step.position: step.rollback.attempts for step in execution.steps if step.rollback},
            total=len(plan.steps),
            ticket_status=ticket.status,
        )


_FIRST_STATUS = {
    VerdictDecision.RUN: ExecutionStatus.QUEUED,
    VerdictDecision.ASK: ExecutionStatus.AWAITING_APPROVAL,
    VerdictDecision.REFUSE: ExecutionStatus.REJECTED,
}


def _undone(execution: Execution) -> int:
    return max((step.rollback.position or 0 for step in execution.steps if step.rollback), default=0)


async def _record(session: AsyncSession, record: DecisionRecord) -> None:
    decision = record.decision
    await decisions.add_decision(
        session,
        record.tenant,
        RecordedDecision(
            **decision.model_dump(),
            ticket_id=record.ticket_id,
            execution_id=record.execution_id or None,
            result=record.result,
            detail=record.detail,
            created_at=utc_now(),
        ),
    )
    what = decision.outcome.value if decision.outcome else decision.decision.value
    where = f" step {decision.step}" if decision.step else ""
    result = "" if record.result is DecisionOutcome.ACCEPTED else f" ({record.result.value}: {record.detail})"
    comment = f": {decision.comment}" if decision.comment else ""
    await events.add_event(
        session,
        record.ticket_id,
        event_key(),
        EventKind.DECISION_RECORDED,
        f"{decision.actor} said {what}{where}{comment}{result}",
        execution_id=record.execution_id or None,
        data={"decision_id": decision.decision_id, "plan_digest": decision.plan_digest, "result": record.result},
        actor=decision.actor,
    )


async def _ticket(session: AsyncSession, tenant: str, ticket_id: str) -> Ticket:
    ticket = await tickets.get_ticket(session, tenant, ticket_id)
    if ticket is None:
        raise TicketGone(ticket_id)
    return ticket
