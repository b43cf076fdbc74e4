"""What became of a runbook decides, by the stated rule, whether it runs again without a person."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from db import outcomes
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.matching.match import Outcomes
from domain.plans.decision import DecisionKind
from domain.tickets.ticket import TicketStatus
from tests.stack import Stack
from tests.workflows.samples import ledger, runbook
from workflows.messages import CancelRequest

WORDS = {"title": "widget files are missing", "service": "widgets"}


async def test_after_a_failure_a_person_is_asked_in_that_environment_only(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command="; exit 5"))
    first = await stack.file(**WORDS, environment="production")
    assert (await stack.ended(first)).status is TicketStatus.ESCALATED
    before = (await stack.execution(first)).confidence_score
    second = await stack.file(**WORDS, environment="Production")
    ticket = await stack.status(second, TicketStatus.AWAITING_APPROVAL)
    assert "is below 0.80, the threshold" in ticket.status_reason
    waiting = await stack.execution(second)
    assert waiting.confidence_score < 0.8 <= before
    elsewhere = await stack.file(**WORDS, environment="staging")
    await stack.ended(elsewhere)
    assert (await stack.execution(elsewhere)).confidence_score == before
    await stack.decide(second, DecisionKind.REJECT)
    await stack.ended(second)
    third = await stack.file(**WORDS, environment="production")
    await stack.status(third, TicketStatus.AWAITING_APPROVAL)
    assert (await stack.execution(third)).confidence_score < waiting.confidence_score


async def test_a_plan_that_waits_can_be_approved_whatever_happens_to_its_runbook_meanwhile(
    stack: Stack, tmp_path: Path
) -> None:
    await stack.add_runbook(runbook(tmp_path, second_command=f"; test ! -e {tmp_path}/broken"))
    await stack.set(mode="hil")
    waiting = await stack.file(**WORDS, environment="lab")
    await stack.status(waiting, TicketStatus.AWAITING_APPROVAL)
    await stack.set(mode="auto")
    (tmp_path / "broken").touch()
    assert (await stack.ended(await stack.file(**WORDS, environment="lab"))).status is TicketStatus.ESCALATED
    (tmp_path / "broken").unlink()
    digest = (await stack.execution(waiting)).plan_digest
    recorded = await stack.decide(waiting)
    assert (recorded.result.value, recorded.plan_digest) == ("accepted", digest)
    assert (await stack.ended(waiting)).status is TicketStatus.RESOLVED


async def test_only_what_the_runbook_did_counts_as_its_failure(stack: Stack, tmp_path: Path) -> None:
    """Whoever ended an execution is a fact in its row; what hosts and people write into the sentence is no fact."""
    trap = f"; test ! -e {tmp_path}/broken || {{ echo root asked for a rollback >&2; exit 5; }}"
    await stack.add_runbook(runbook(tmp_path, second="approval: required", second_command=trap))
    found: dict[str, Ending | None] = {}

    async def ends(how: str, decide: Callable[[str], Awaitable[object]], *, days_pass: bool = False) -> None:
        ticket_id = await stack.file(**WORDS, environment=how)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await decide(ticket_id)
        ticket = await stack.ended(ticket_id, days_pass=days_pass)
        execution = await stack.execution(ticket_id)
        assert execution.status is ExecutionStatus.ROLLED_BACK
        assert ticket.ending == execution.ending
        found[how] = execution.ending

    async def nothing(ticket_id: str) -> None:
        """Let it expire."""

    await ends("cancelled", lambda one: stack.cancel(one, CancelRequest(actor="sam")))
    await ends("rejected", lambda one: stack.decide(one, DecisionKind.REJECT, step=3, actor="kim"))
    (tmp_path / "broken").touch()
    await ends("failed", lambda one: stack.decide(one, step=3))
    await ends("expired", nothing, days_pass=True)
    assert found == {
        "cancelled": Ending(cause=EndCause.CANCELLED, actor="sam"),
        "rejected": Ending(cause=EndCause.REJECTED, actor="kim", step=3),
        "failed": Ending(cause=EndCause.FAILED, step=3),
        "expired": Ending(cause=EndCause.EXPIRED, step=3),
    }
    async with stack.database.read() as session:
        history = await outcomes.outcomes_everywhere(session, stack.tenant, "make-widgets")
    assert history == {"failed": Outcomes(failures=1), "rejected": Outcomes(rejections=1)}
    again = await stack.file(**WORDS, environment="cancelled")
    await stack.status(again, TicketStatus.AWAITING_APPROVAL)
    assert ledger(tmp_path).count("one") == 5, "it ran up to the step that asks by itself"
