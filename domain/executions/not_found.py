"""The problem that a ticket reports is not on the host: whose word counts for that, and who closes the ticket."""

import re

from domain.case.links import LinkName, LinkState
from domain.plans.plan import Phase, Plan, PlannedStep
from domain.tickets.ticket import Severity

LOOKS = 2
"""So often, one after the other, a check has to deny the problem."""

DENIED = 1
"""The exit status with which a check that confirms the problem denies it; every other one says nothing of the kind."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})
"""What nobody but a person closes."""


def telling_checks(plan: Plan, *, is_matched: bool) -> list[int]:
    """Return the positions of the checks whose denial means that the problem is not there.

    `is_matched`: the runbook was matched to the ticket, not chosen by a person, and nobody has said that the problem is
    real. Beside that there is exactly one host, the ticket means it without doubt, and the check looks for what the
    ticket names: it reads no value that is a default, and none that an earlier step found.
    """
    is_placed = any(link.name is LinkName.PLACE and link.state is LinkState.CLEAR for link in plan.case.links)
    if not is_matched or not is_placed or len(plan.targets) != 1:
        return []
    return [step.position for step in plan.steps if _is_telling(plan, step)]


def _is_telling(plan: Plan, step: PlannedStep) -> bool:
    if step.phase is not Phase.PRECHECK or step.spec.confirms is None:
        return False
    found = {name for other in plan.steps for name in other.spec.provides}
    others = (plan.inputs.keys() | plan.sealed_inputs.keys() | found) - plan.input_origins.keys()
    return not others.intersection(_NAME.findall(f"{step.spec.run} {step.spec.when}"))
