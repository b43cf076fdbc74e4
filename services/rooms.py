"""Room that hosts keep for rollbacks: where, and for which."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import steps
from domain.connections.host import HostAddress, Secret
from domain.plans.plan import Phase, Plan, PlannedStep
from domain.workflows.orders import StepRun


@dataclass
class Room:
    """What a host is to keep room for. `no_secret`: why nobody can log in to it."""

    address: HostAddress
    secret: Secret | None
    no_secret: str
    names: list[str]


async def rooms_to_keep(session: AsyncSession, order: StepRun, plan: Plan) -> dict[str, list[str]]:
    """Return, by host, what room is to be kept before a step: before the first one that changes any, on all hosts.

    Later only on a host where none was kept before its first one, as earlier releases left it.
    """
    if plan.step(order.position).phase is not Phase.STEP:
        return {}
    host = plan.step(order.position).target
    sent = await steps.sent_positions(session, order.execution_id)
    begun = {step.target for step in plan.steps if step.phase is Phase.STEP and step.position in sent}
    rooms: dict[str, list[str]] = {}
    for step in steps_with_room(plan):
        if not begun or (step.target == host and host not in begun):
            rooms.setdefault(step.target, []).append(order.room(step.position))
    return rooms


def steps_with_room(plan: Plan) -> list[PlannedStep]:
    """Return the steps for whose rollbacks their hosts keep room."""
    return [step for step in plan.steps if step.phase is Phase.STEP and step.spec.rollback and step.spec.supervise]
