"""What workflows are told of what was done: enough to go on with; the whole of it is in the database.

They stand in Temporal's histories: evolved by optional fields only.
"""

from collections.abc import Collection, Sequence
from typing import Self

from pydantic import Field

from domain.analysis.analysis import Analysis
from domain.base import Said, WireModel
from domain.duration import Seconds
from domain.executions.execution import Execution, StepStatus
from domain.executions.lease import LeaseHolder
from domain.matching.match import Match
from domain.plans.plan import Plan, StepOutline, Verdict, VerdictDecision
from domain.plans.policy import PROPOSAL_THRESHOLD
from domain.runbooks.runbook import RunbookKind
from domain.tickets.ticket import Classification, Ticket, TicketStatus


class AnalysisOutline(WireModel):
    """What analysis found; the whole of it, with its reasons, is in the ticket's row."""

    title: str
    severity: str
    classification: Classification
    classification_confidence: float
    reason: str
    ci_name: str | None = None
    connection: str | None = None
    ambiguous: list[str] = Field(default_factory=list)
    runbook_timeout: Seconds = Field(description="Seconds that the ticket waits for a runbook.")
    needs_person: str = Field(default="", description="Why nothing may run for this ticket unasked; mostly empty.")

    @classmethod
    def of(cls, ticket: Ticket, analysis: Analysis, runbook_timeout: float) -> Self:
        return cls(
            title=ticket.title,
            severity=ticket.severity.value,
            classification=analysis.classification,
            classification_confidence=analysis.classification_confidence,
            reason=analysis.words,
            ci_name=analysis.ci.name,
            connection=analysis.ci.connection,
            ambiguous=analysis.ci.ambiguous,
            runbook_timeout=runbook_timeout,
            needs_person=analysis.needs_person,
        )


class MatchOutline(WireModel):
    runbook_id: str
    version: int
    title: str
    confidence_score: float
    needs_person: str = ""
    is_diagnosis: bool = False

    @classmethod
    def of(cls, match: Match, *, is_diagnosis: bool) -> Self:
        return cls(**match.model_dump(include=set(cls.model_fields)), is_diagnosis=is_diagnosis)


class MatchesOutline(WireModel):
    """The matched runbooks, best first; `proposed` is the one good enough to plan with, if there is one.

    `fix`: where that one is a diagnosis, the best of the others that is good enough to plan with afterwards.
    """

    matches: list[MatchOutline]
    proposed: MatchOutline | None = None
    fix: MatchOutline | None = None
    second_opinion: str = Field(default="", description="What a language model changed, or why it was not used.")

    @classmethod
    def of(
        cls, matches: Sequence[Match], second_opinion: str, diagnoses: Collection[str] = (), made: Collection[str] = ()
    ) -> Self:
        """`diagnoses`: the ids of those that only look; `made`: of those that have looked for this ticket already."""
        best = [MatchOutline.of(match, is_diagnosis=match.runbook_id in diagnoses) for match in matches]
        is_left = [one for one in best if not (one.is_diagnosis and one.runbook_id in made)]
        good = [one for one in is_left if one.confidence_score >= PROPOSAL_THRESHOLD]
        proposed = good[0] if good else None
        fixes = [one for one in good if not one.is_diagnosis] if proposed and proposed.is_diagnosis else []
        fix = fixes[0] if fixes else None
        return cls(matches=best, proposed=proposed, fix=fix, second_opinion=second_opinion)


class ReopenOutline(WireModel):
    """What the story goes on with. `problem`: why the ticket cannot be reopened; it stays as it is."""

    problem: str | None = None
    ticket_status: TicketStatus
    reason: str = ""
    connection: str | None = None
    ambiguous: list[str] = Field(default_factory=list)
    runbook_timeout: Seconds = 0


class PlanOutline(WireModel):
    """A plan as the workflow knows it. `problem`: why there is no plan; then the rest is empty."""

    execution_id: str
    problem: str | None = None
    is_unchanged: bool = False
    digest: str = ""
    verdict: Verdict | None = None
    runbook_id: str = ""
    runbook_version: int = 0
    title: str = ""
    targets: list[str] = Field(default_factory=list)
    leases: list[str] = Field(default_factory=list)
    steps: list[StepOutline] = Field(default_factory=list)
    telling: list[int] = Field(
        default_factory=list, description="Checks that may say, twice, that the problem is not there."
    )
    approval_timeout: Seconds = 0
    is_diagnosis: bool = False

    @classmethod
    def of(cls, plan: Plan, execution_id: str, digest: str, approval_timeout: float, telling: list[int]) -> Self:
        return cls(
            execution_id=execution_id,
            digest=digest,
            verdict=plan.verdict,
            runbook_id=plan.runbook_id,
            runbook_version=plan.runbook_version,
            title=plan.title,
            targets=[target.name for target in plan.targets],
            leases=plan.leases,
            steps=[StepOutline.of(step) for step in plan.steps],
            telling=telling,
            approval_timeout=approval_timeout,
            is_diagnosis=plan.kind is RunbookKind.DIAGNOSIS,
        )

    @property
    def asks(self) -> bool:
        """True if a person has to be asked about it."""
        return self.verdict is not None and self.verdict.decision is VerdictDecision.ASK


class RollbackOutline(WireModel):
    """The steps to undo, in the order in which they ran. `problem`: why it is refused."""

    problem: str | None = None
    digest: str = ""
    title: str = ""
    runbook_id: str = ""
    targets: list[str] = Field(default_factory=list)
    leases: list[str] = Field(default_factory=list)
    steps: list[StepOutline] = Field(default_factory=list)
    undone_over: str = Field(default="", description="Later changes to the hosts that nothing can undo, in words.")
    undone: int = Field(default=0, description="How many rollbacks of this execution have run before.")
    tries: dict[int, int] = Field(default_factory=dict, description="Position -> how often its rollback was tried.")
    total: int = Field(default=0, description="How many steps the plan has.")
    ticket_status: TicketStatus = Field(description="The ticket's status, which a refusal leaves as it is.")

    @classmethod
    def of(cls, plan: Plan, execution: Execution, ticket_status: TicketStatus) -> Self:
        undone = [step for step in execution.steps if step.rollback]
        return cls(
            problem=execution.why_no_rollback(),
            digest=execution.plan_digest,
            title=plan.title,
            runbook_id=plan.runbook_id,
            targets=[target.name for target in plan.targets],
            leases=plan.leases,
            undone_over=execution.undone_over,
            steps=[StepOutline.of(plan.step(position)) for position in execution.positions_to_undo()],
            undone=max((step.rollback.position or 0 for step in undone if step.rollback), default=0),
            tries={step.position: step.rollback.attempts for step in undone if step.rollback},
            total=len(plan.steps),
            ticket_status=ticket_status,
        )


class AnswerResult(WireModel):
    """`problem`: why the answers to a step's question do not fit; None when they were taken."""

    problem: str | None = None


class Recorded(WireModel):
    """What was recorded of a ticket's status instead of what was asked for, since the rows did not bear it out."""

    ticket_status: TicketStatus
    reason: str


class LeaseAnswer(WireModel):
    """Who is in front (empty: all leases are held), or, after a release, whose turn it is now."""

    holders: list[LeaseHolder] = Field(default_factory=list)


class RequeueAnswer(WireModel):
    """`problem`: why it keeps its hosts. Else its next turn, and whose turn it is on the hosts now."""

    problem: str | None = None
    turn: int = 1
    holders: list[LeaseHolder] = Field(default_factory=list)


class StepOutcome(WireModel):
    """How it ended: `succeeded`, `failed`, `skipped` or `unknown`. `detail` is a sentence without any output.

    `was_sent`: whether any attempt of the step may have reached the host; None where nobody looked. `denies`: it says
    that the problem is not there.
    """

    status: StepStatus
    exit_status: int | None = None
    detail: Said = ""
    is_cancelled: bool = False
    attempt: int = 1
    was_sent: bool | None = None
    denies: bool = False


class MailRead(WireModel):
    """Which of the letters count, in their order."""

    is_genuine: list[bool]


class ConnectionReport(WireModel):
    """Whether a connection works, and what the host says of itself or why it does not.

    `host_key`: what a host shows whose key nobody has confirmed, at this address; nobody logged in. `sudo`: what sudo
    does there without a password (`ends`, `works`, `refused`), asked only where a runbook uses it.
    """

    is_ok: bool
    detail: Said
    sudo: str | None = None
    host_key: str | None = None
    host: str = ""
    port: int = 0
