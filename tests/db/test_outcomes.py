"""A runbook's history as its rows tell it, on SQLite and on PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from db import decisions, outcomes, runbooks, tickets
from db.engine import Database
from db.intake import take_reports
from db.tables import ExecutionRow
from domain.base import new_id, utc_now
from domain.executions.execution import ExecutionStatus as Status
from domain.matching.match import Outcomes
from domain.plans.decision import RecordedDecision
from domain.runbooks.text import parse_runbook
from domain.sources.reports import Became, Taken, report_of
from domain.tickets.ticket import NewTicket, TicketStatus

FAILED = {"cause": "failed", "step": 1}
TEXT = "id: NAME\ntitle: Look\nrisk: none\nsteps:\n  - {name: look, run: uptime}\n"


@pytest.fixture
async def database(database: Database) -> Database:
    """The database with two runbooks."""
    async with database.write() as session:
        for name in ("look", "other"):
            text = TEXT.replace("NAME", name)
            await runbooks.save_runbook(session, "demo", parse_runbook(text), text, "test")
    return database


async def ticket(database: Database, environment: str | None = None) -> str:
    async with database.write() as session:
        new = NewTicket(title="down", environment=environment)
        return (await tickets.file_ticket(session, "demo", new, new_id(), None))[0].id


async def end(database: Database, ticket_id: str, status: Status, **more: Any) -> None:
    """Store an execution that ended; it ran unless told otherwise."""
    now = utc_now()
    own = {"id": more.pop("id", new_id()), "runbook_version": more.pop("version", 1)}
    values: dict[str, Any] = {**own, "runbook_id": "look", "tenant": "demo", "started_at": now, "plan": {}, **more}
    async with database.write() as session:
        session.add(
            ExecutionRow(
                ticket_id=ticket_id,
                plan_digest="d",
                status=status.value,
                confidence_score=0.9,
                requested_by="handrail",
                created_at=now,
                **values,
            )
        )


async def history(database: Database, environment: str | None, *names: str) -> dict[str, Outcomes]:
    async with database.read() as session:
        return await outcomes.outcomes_in(session, "demo", names or ("look", "other"), environment)


async def test_there_is_no_history_at_first(database: Database) -> None:
    await ticket(database)
    assert await history(database, None) == {}
    async with database.read() as session:
        assert await outcomes.outcomes_everywhere(session, "demo", "look") == {}
        assert await outcomes.list_resets(session, "demo", "look") == []


async def test_each_environment_has_its_own(database: Database) -> None:
    production, staging, none = (
        await ticket(database, "Production "),
        await ticket(database, "staging"),
        await ticket(database),
    )
    for status in (Status.SUCCEEDED, Status.SUCCEEDED, Status.RUNNING, Status.UNKNOWN):
        await end(database, production, status)
    await end(database, staging, Status.ROLLED_BACK, ending=FAILED)
    await end(database, none, Status.SUCCEEDED, runbook_id="other")
    await end(database, none, Status.SUCCEEDED, runbook_id="other", tenant="somebody-else")
    assert await history(database, "PRODUCTION") == {"look": Outcomes(successes=2)}
    assert await history(database, "staging") == {"look": Outcomes(failures=1)}
    assert await history(database, None) == await history(database, " ") == {"other": Outcomes(successes=1)}
    async with database.read() as session:
        assert await outcomes.outcomes_everywhere(session, "demo", "look") == {
            "production": Outcomes(successes=2),
            "staging": Outcomes(failures=1),
        }


async def test_a_plan_passed_over_for_another_runbook_was_turned_down(database: Database) -> None:
    replaced, kept = await ticket(database), await ticket(database)
    waiting = {"started_at": None, "ending": {"cause": "passed_over"}}
    await end(database, replaced, Status.CANCELLED, **waiting)
    await end(database, replaced, Status.SUCCEEDED, runbook_id="other")
    await end(database, kept, Status.CANCELLED, **waiting)
    await end(database, kept, Status.SUCCEEDED)
    assert await history(database, None) == {
        "look": Outcomes(successes=1, rejections=1),
        "other": Outcomes(successes=1),
    }


@pytest.mark.parametrize(("later", "counts"), [(timedelta(hours=1), True), (timedelta(days=2), False), (None, False)])
async def test_what_comes_back_soon_counts_against_its_fix(
    database: Database, later: timedelta | None, counts: bool
) -> None:
    async def report(starts_at: datetime | None) -> Taken:
        one = report_of("am", key="fp", title="down", starts_at=starts_at)
        async with database.write() as session:
            return (await take_reports(session, "demo", [(new_id(), one)], None))[0]

    first = await report(None)
    await end(database, first.ticket_id or "", Status.SUCCEEDED)
    async with database.write() as session:
        await tickets.set_status(session, first.ticket_id or "", TicketStatus.RESOLVED, "fixed")
    assert (await history(database, None))["look"] == Outcomes(successes=1)
    assert (await report(utc_now() + later if later else None)).became is Became.RECURRENCE
    assert (await history(database, None))["look"] == (Outcomes(failures=1) if counts else Outcomes(successes=1))


PLAN = {
    "targets": [{"name": "web-01"}],
    "steps": [{"phase": phase} for phase in ("precheck", "step", "postcheck")],
}


@pytest.mark.parametrize(
    ("step", "host", "fixed_before", "is_neutral"),
    [
        (1, "web-01", timedelta(minutes=5), True),
        (2, "web-01", timedelta(minutes=5), False),
        (1, "web-02", timedelta(minutes=5), False),
        (1, "web-01", timedelta(hours=1), False),
    ],
)
async def test_the_second_report_of_an_outage_is_no_failure(
    database: Database, step: int, host: str, fixed_before: timedelta, is_neutral: bool
) -> None:
    fixed_at = utc_now() - fixed_before
    await end(database, await ticket(database), Status.SUCCEEDED, plan=PLAN, ended_at=fixed_at)
    failed = {"plan": {**PLAN, "targets": [{"name": host}]}, "ended_at": utc_now()}
    await end(database, await ticket(database), Status.ROLLED_BACK, ending={**FAILED, "step": step}, **failed)
    assert (await history(database, None))["look"] == Outcomes(successes=1, failures=0 if is_neutral else 1)


async def test_precedents_are_of_this_version_here_with_who_approved_the_plan(database: Database) -> None:
    here, there = await ticket(database, "lab"), await ticket(database, "production")
    stored: list[tuple[str, str, dict[str, Any]]] = [
        ("older", here, {}),
        ("step", here, {}),
        ("rejected", here, {}),
        ("elsewhere", there, {}),
        ("other", here, {"runbook_id": "other"}),
        ("edited", here, {"version": 2}),
    ]
    for name, ticket_id, more in stored:
        await end(database, ticket_id, Status.SUCCEEDED, id=name, **more)
    says: dict[str, dict[str, Any]] = {
        "older": {},
        "step": {"step": 2},
        "rejected": {"decision": "reject"},
        "elsewhere": {},
    }
    async with database.write() as session:
        for name, more in says.items():
            said = {"decision": "approve", "plan_digest": "d", "actor": "sam", "decision_id": name, "detail": ""}
            document = said | {"ticket_id": here, "execution_id": name, "result": "accepted", "created_at": utc_now()}
            await decisions.add_decision(session, "demo", RecordedDecision.model_validate(document | more))
    async with database.read() as session:
        found = await outcomes.precedents(session, "demo", parse_runbook(TEXT.replace("NAME", "look")), "LAB ")
    assert [one.is_approved for one in found] == [False, False, True]
    assert {(one.ticket_id, one.ticket.title, one.ended.status) for one in found} == {(here, "down", Status.SUCCEEDED)}


async def test_a_reset_lets_it_begin_anew_and_is_kept(database: Database) -> None:
    here = await ticket(database, "lab")
    await end(database, here, Status.ROLLED_BACK, ending=FAILED)
    await end(database, here, Status.SUCCEEDED, runbook_id="other")
    async with database.write() as session:
        await outcomes.reset_history(session, "demo", "look", "sam", "mended")
    assert await history(database, "lab") == {"other": Outcomes(successes=1)}
    await end(database, here, Status.SUCCEEDED)
    assert (await history(database, "lab"))["look"] == Outcomes(successes=1)
    async with database.read() as session:
        resets = await outcomes.list_resets(session, "demo", "look")
    assert [(one.reset_by, one.comment) for one in resets] == [("sam", "mended")]


async def test_only_the_latest_executions_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "COUNTED", 2)
    here = await ticket(database)
    for status in (Status.ROLLED_BACK, Status.SUCCEEDED, Status.SUCCEEDED):
        await end(database, here, status)
    assert await history(database, None, "look") == {"look": Outcomes(successes=2)}
