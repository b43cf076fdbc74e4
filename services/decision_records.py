"""What became of a decision: stored, and told in the timeline. The answers to a step's question are taken here."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from db import decisions, events, executions
from db.engine import Database
from domain.base import utc_now
from domain.plans.decision import DecisionOutcome, RecordedDecision
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.tickets.event import EventKind
from domain.workflows.orders import DecisionRecord
from domain.workflows.outlines import AnswerResult


async def record_decision(database: Database, record: DecisionRecord, key: str) -> None:
    """Store a decision and what became of it. `key` names the request: asked again, it stores nothing more."""
    async with database.write() as session:
        await _store(session, record, key)


async def take_answers(database: Database, record: DecisionRecord, key: str) -> AnswerResult:
    """Check the answers to a step's question and register them; the decision is stored either way."""
    decision, execution_id = record.decision, record.execution_id or ""
    async with database.read() as session:
        plan = await executions.get_plan(session, record.tenant, record.ticket_id, execution_id)
    ask = plan.step(decision.step or 0).spec.ask
    answers, problem = {}, None
    try:
        answers = await asyncio.to_thread(bind_inputs, ask.answers if ask else {}, decision.answers)
    except InputsInvalid as error:
        problem = str(error)
        record = record.model_copy(update={"result": DecisionOutcome.NOT_AWAITED, "detail": problem})
    async with database.write() as session:
        for name, value in answers.items():
            await executions.set_variable(session, execution_id, name, value.encode())
        await _store(session, record, key)
    return AnswerResult(problem=problem)


async def _store(session: AsyncSession, record: DecisionRecord, key: str) -> None:
    decision = record.decision
    recorded = RecordedDecision(
        **decision.model_dump(),
        ticket_id=record.ticket_id,
        execution_id=record.execution_id or None,
        result=record.result,
        detail=record.detail,
        created_at=utc_now(),
    )
    await decisions.add_decision(session, record.tenant, recorded)
    await events.add_event(
        session,
        record.ticket_id,
        key,
        EventKind.DECISION_RECORDED,
        recorded.words,
        execution_id=recorded.execution_id,
        data={"decision_id": decision.decision_id, "plan_digest": decision.plan_digest, "result": record.result},
        actor=decision.actor,
    )
