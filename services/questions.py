"""A question on a page that gave way to another one: what changed, and by whom, told before anybody answers.

Somebody else plans again, and the page shows the new plan under the same buttons. Whoever was about to press one has
read another plan; so the buttons wait until they have seen the difference to what their page had shown.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, executions, runbooks
from domain.executions.execution import Execution, ExecutionStatus
from domain.plans.decision import DecisionOutcome
from services.plan_changes import Change
from services.plan_changes import changes as changes_between
from services.plan_view import SHORT_DIGEST, PlanView, view_plan
from services.reading import beside
from services.tickets import KnownTicket


@dataclass(frozen=True)
class Seen:
    """What a page of this person had shown: a question, and perhaps a later one whose difference they have read.

    `locks`: the page has scripts, so its buttons can wait.
    """

    actor: str
    shown: str = ""
    read: str = ""
    locks: bool = True


@dataclass(frozen=True)
class Swap:
    """How the question came to be another one. `is_locked`: the buttons wait until it was opened."""

    told: list[str]
    changes: list[Change]
    is_locked: bool


def question_of(detail: KnownTicket) -> str:
    """Return a name for what a person is asked about a ticket now: a plan, or a step of it; empty if nothing is."""
    plan, step = detail.plan, detail.waits_for_step
    if plan is None or not (plan.status is ExecutionStatus.AWAITING_APPROVAL or step):
        return ""
    return f"{plan.digest}.{step}.{plan.status.value}.{plan.turn}" if step else plan.digest


async def swap_of(session: AsyncSession, tenant: str, detail: KnownTicket, seen: Seen | None) -> Swap | None:
    """Return what a person has to see before they answer; None if their page showed this very question."""
    now = question_of(detail)
    if seen is None or detail.plan is None or not now:
        return None
    before = seen.read if seen.read and seen.read != now else seen.shown
    if before in ("", now):
        return None
    digest, _, rest = before.partition(".")
    old = next((one for one in reversed(detail.executions) if one.plan_digest == digest), None)
    new = next(one for one in detail.executions if one.id == detail.plan.execution_id)
    if old is not None and old.id != new.id and _asked_for_it(seen.actor, detail.executions, new):
        return None
    if old is not None and old.id == new.id and _answered_it(seen.actor, detail, new, _step_of(rest)):
        return None
    told = _decided(detail, old, rest)
    changes: list[Change] = []
    if old is not None and digest != detail.plan.digest:
        shown = view_plan(await executions.get_plan(session, tenant, detail.id, old.id), old)
        changes = await beside(changes_between, shown, detail.plan)
        told += await _changed(session, tenant, shown, detail.plan, old, new)
    return Swap(told, changes, is_locked=seen.locks and seen.read != now)


def _asked_for_it(actor: str, ran: list[Execution], new: Execution) -> bool:
    """Whether this person chose the plan that is there now; one that was made anew since is news to them, too."""
    before = ran[ran.index(new) - 1]
    return new.requested_by == actor and not before.was_replaced


def _answered_it(actor: str, detail: KnownTicket, execution: Execution, step: int | None) -> bool:
    """Whether the question that is there now is what this person's own answer to the one before led to.

    An answer that no worker takes at once is kept, so the page may still have shown the question after it was given.
    """
    taken = [
        one for one in detail.decisions if one.execution_id == execution.id and one.result is DecisionOutcome.ACCEPTED
    ]
    return bool(taken) and (taken[-1].actor, taken[-1].step) == (actor, step)


def _step_of(rest: str) -> int | None:
    """Return the position of the step that a question was about; `rest`: what follows the digest in its name."""
    number = rest.partition(".")[0]
    return int(number) if number.isdecimal() and len(number) < 10 else None


def _decided(detail: KnownTicket, old: Execution | None, rest: str) -> list[str]:
    """Say who answered the question that the page had shown."""
    step = _step_of(rest)
    return [
        f"{one.actor} said {(one.outcome or one.decision).value.replace('_', ' ')} about "
        + (f"step {step}" if step else f"plan {one.plan_digest[:SHORT_DIGEST]}")
        for one in detail.decisions
        if old is not None and (one.execution_id, one.step, one.result) == (old.id, step, DecisionOutcome.ACCEPTED)
    ]


async def _changed(
    session: AsyncSession, tenant: str, shown: PlanView, plan: PlanView, old: Execution, new: Execution
) -> list[str]:
    """Say who made the plan another one: by a choice, a new version of the runbook, or a changed connection."""
    told: list[str] = []
    if not old.was_replaced or old.requested_by != new.requested_by:
        told.append(f"{new.requested_by} asked for this plan")
    if plan.runbook_id == shown.runbook_id and plan.runbook_version != shown.runbook_version:
        stored = await runbooks.get_runbook(session, tenant, plan.runbook_id, plan.runbook_version)
        if stored is not None:
            told.append(f"{stored.created_by} saved version {plan.runbook_version} of {plan.runbook_id}")
    were = {target.name: target for target in shown.targets}
    others = [target.name for target in plan.targets if were.get(target.name) != target]
    saved = await connections.saved_by(session, tenant, others)
    told += [f"{actor} saved the connection {name}" for name, actor in saved.items()]
    return told or ["Handrail made the plan anew, since what it was made from has changed"]
