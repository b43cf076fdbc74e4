"""What use cases make of domain values, without a door and without rows."""

import pytest

from domain.base import utc_now
from domain.ending import EndCause, Ending
from domain.executions.execution import Execution, ExecutionStatus, replaced_execution
from domain.executions.lease import LeaseHolder, words_in_front
from domain.matching.match import Match
from domain.plans.decision import DecisionKind, DecisionOutcome, RecordedDecision, UnknownOutcome
from domain.plans.plan import LOCAL, Plan, Verdict, VerdictDecision, plan_steps
from domain.plans.policy import PROPOSAL_THRESHOLD
from domain.runbooks.text import parse_runbook
from domain.workflows.outlines import MatchesOutline
from services.plan_changes import changes
from services.plan_doubts import doubts
from services.plan_view import PlanDraft, view_draft

WHOLE = """
id: r
title: t
risk: low
steps: [{name: change, run: 'true', rollback: 'true'}]
postchecks: [{name: look, run: 'true'}]
"""
BARE = """
id: r
title: t
risk: high
steps: [{name: change, run: 'false', no_rollback: it only rotates, supervise: false}]
postchecks: [{name: look, run: 'true'}]
"""


def draft(text: str, confidence: float = 0.9) -> PlanDraft:
    book = parse_runbook(text)
    plan = Plan(
        runbook_id=book.id,
        runbook_version=book.version,
        runbook_digest="d",
        title=book.title,
        risk=book.risk,
        inputs={},
        targets=[LOCAL],
        steps=plan_steps(book, [LOCAL]),
        confidence_score=confidence,
        verdict=Verdict(decision=VerdictDecision.ASK, reasons=[]),
    )
    return view_draft(plan, plan.digest())


def execution(execution_id: str, cause: EndCause | None = None, runbook_id: str = "r") -> Execution:
    status = ExecutionStatus.AWAITING_APPROVAL if cause is None else ExecutionStatus.CANCELLED
    if cause is EndCause.FAILED:
        status = ExecutionStatus.ROLLED_BACK
    return Execution(
        id=execution_id,
        ticket_id="t",
        runbook_id=runbook_id,
        runbook_version=1,
        title="t",
        plan_digest=execution_id,
        status=status,
        status_reason="the disk is still full",
        ending=Ending(cause=cause) if cause else None,
        confidence_score=0.9,
        requested_by="handrail",
        created_at=utc_now(),
        started_at=utc_now() if cause is EndCause.FAILED else None,
    )


def test_every_doubt_about_a_plan_is_told_and_no_other() -> None:
    assert doubts(draft(WHOLE), None, []) == ["It runs on Handrail's own host, not on a remote one."]
    bare = draft(BARE, confidence=0.5)
    unlooked = bare.model_copy(update={"steps": bare.steps[:1]})
    told = "\n".join(doubts(unlooked, None, [execution("1", EndCause.FAILED)]))
    for doubt in ("risk as high", "in about 50 of 100", "No rollback for: change", "no postcheck", "unsupervised"):
        assert doubt in told
    assert "already failed for this ticket: the disk is still full" in told
    assert "already failed" not in "\n".join(doubts(draft(BARE), None, [execution("1", EndCause.REJECTED)]))


def test_a_plan_that_changed_says_in_what() -> None:
    before, after = draft(WHOLE), draft(BARE)
    assert changes(before, before) == []
    assert [one.what for one in changes(before, after)] == ["Risk", "Commands"]


@pytest.mark.parametrize(
    ("ran", "replaced"),
    [
        ([], None),
        (["replaced"], "replaced"),
        (["failed"], None),
        (["replaced", "failed"], None),
        (["failed", "replaced"], "replaced"),
    ],
)
def test_only_the_execution_just_before_was_replaced_by_this_one(ran: list[str], replaced: str | None) -> None:
    before = [execution(cause, EndCause(cause)) for cause in ran]
    current = execution("current")
    found = replaced_execution([*before, current], current)
    assert (found.id if found else None) == replaced
    assert replaced_execution([*before, current, execution("later")], current) is None


@pytest.mark.parametrize(("score", "is_proposed"), [(PROPOSAL_THRESHOLD, True), (PROPOSAL_THRESHOLD - 0.01, False)])
def test_only_a_match_that_is_good_enough_is_proposed(score: float, is_proposed: bool) -> None:
    best = Match(runbook_id="r", version=1, title="t", confidence_score=score, needs_person="why")
    outline = MatchesOutline.of([best], "")
    assert (outline.proposed is not None) is is_proposed
    assert outline.matches[0].needs_person == "why"
    assert MatchesOutline.of([], "").proposed is None


def holder(ticket_id: str) -> LeaseHolder:
    return LeaseHolder(
        lease="web:22", tenant="demo", ticket_id=ticket_id, execution_id="e", is_held=True, since=utc_now()
    )


def test_a_place_in_the_line_is_told() -> None:
    assert words_in_front(["web:22", "db:22"], []) == "holds the lease of web:22, db:22"
    assert words_in_front(["web:22"], [holder("a"), holder("a")]) == "waits for web:22: ticket a is in front"
    assert words_in_front(["web:22"], [holder("a"), holder("b")]).endswith("ticket a is in front, and 1 more")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "sam said approve"),
        ({"step": 2, "comment": "go"}, "sam said approve step 2: go"),
        ({"step": 2, "outcome": UnknownOutcome.RAN}, "sam said ran step 2"),
        ({"result": DecisionOutcome.STALE, "detail": "it changed"}, "sam said approve (stale: it changed)"),
    ],
)
def test_a_decision_is_told(said: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"result": DecisionOutcome.ACCEPTED, "detail": "", **said}
    kept = RecordedDecision.model_validate(
        {
            "decision": DecisionKind.APPROVE,
            "plan_digest": "d",
            "actor": "sam",
            "decision_id": "1",
            "ticket_id": "t",
            "created_at": utc_now(),
            **given,
        }
    )
    assert kept.words == words
