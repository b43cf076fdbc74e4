"""What speaks against running a plan, for whoever is about to approve it."""

from domain.analysis.analysis import Analysis
from domain.executions.execution import Execution
from domain.matching.outcomes import WENT_WRONG, Ended, outcome_of
from domain.plans.plan import Phase
from domain.runbooks.runbook import Risk
from domain.tickets.ticket import Classification
from services.plan_view import PlanDraft

LOW_CONFIDENCE = 0.8


def doubts(plan: PlanDraft, analysis: Analysis | None, ran: list[Execution]) -> list[str]:
    """Return why one might not want to run it, most serious first."""
    found: list[str] = []
    if plan.risk is Risk.HIGH:
        found.append("Its author rates the risk as high.")
    if any(target.kind.is_own_host for target in plan.targets):
        found.append("It runs on Handrail's own host, not on a remote one.")
    if len(plan.targets) > 1:
        found.append(f"It touches {len(plan.targets)} hosts.")
    if plan.confidence_score < LOW_CONFIDENCE:
        wrong = round((1 - plan.confidence_score) * 100)
        found.append(f"Confidence {plan.confidence_score:.2f}: in about {wrong} of 100 such cases it is wrong.")
    lasting = [step.name for step in plan.steps if step.phase is Phase.STEP and step.run and not step.rollback]
    if lasting:
        found.append(f"No rollback for: {', '.join(dict.fromkeys(lasting))}.")
    if not any(step.phase is Phase.POSTCHECK for step in plan.steps):
        found.append("It has no postcheck: nothing will verify that it worked.")
    if analysis is not None and analysis.classification is not Classification.TRUE_POSITIVE:
        is_false = analysis.classification is Classification.FALSE_POSITIVE
        found.append("This may be a false alarm." if is_false else "It is uncertain whether this is a real problem.")
    if any(not step.supervise for step in plan.steps):
        found.append("Some commands run unsupervised: if the connection breaks, nobody knows whether they ran.")
    bad = [one for one in ran if one.runbook_id == plan.runbook_id and _went_wrong(one)]
    if bad:
        found.append(f"It already failed for this ticket: {bad[-1].status_reason}")
    return found


def _went_wrong(one: Execution) -> bool:
    ended = Ended(status=one.status, ending=one.ending, has_run=one.started_at is not None)
    return outcome_of(ended) in WENT_WRONG
