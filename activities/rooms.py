"""Room that hosts keep for rollbacks: where, and for which."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.messages import StepRun
from db import executions
from domain.plan import Phase, Plan


async def rooms_to_keep(session: AsyncSession, order: StepRun, plan: Plan) -> list[str]:
    step = plan.step(order.position)
    lease = plan.target(step.target).lease
    same = [one for one in plan.steps if one.phase is Phase.STEP and plan.target(one.target).lease == lease]
    sent = await executions.sent_positions(session, order.execution_id)
    if step.phase is not Phase.STEP or any(one.position in sent for one in same):
        return []
    return [order.room(one.position) for one in same if one.spec.rollback and one.spec.supervise]
