"""Queries on decisions."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import DecisionRow
from domain.plans.decision import RecordedDecision


async def add_decision(session: AsyncSession, tenant: str, decision: RecordedDecision) -> None:
    """Store a decision once; the same id again changes nothing."""
    if await get_decision(session, tenant, decision.decision_id) is None:
        session.add(
            DecisionRow(
                tenant=tenant,
                decision_id=decision.decision_id,
                ticket_id=decision.ticket_id,
                execution_id=decision.execution_id,
                document=decision.model_dump(mode="json"),
                created_at=decision.created_at,
            )
        )


async def get_decision(session: AsyncSession, tenant: str, decision_id: str) -> RecordedDecision | None:
    row = await session.get(DecisionRow, (tenant, decision_id))
    return RecordedDecision.model_validate(row.document) if row else None


async def list_decisions(session: AsyncSession, ticket_id: str) -> list[RecordedDecision]:
    """Return a ticket's decisions, oldest first."""
    query = select(DecisionRow).where(DecisionRow.ticket_id == ticket_id).order_by(DecisionRow.created_at)
    return [RecordedDecision.model_validate(row.document) for row in await session.scalars(query)]
