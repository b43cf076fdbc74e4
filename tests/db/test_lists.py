"""What people look at - lists, the overview's figures - says the same on SQLite and on PostgreSQL."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from db import decisions, executions, figures, lists, runbooks, tickets
from db.engine import Database
from db.tables import StepRow, TicketRow
from domain.base import new_id, utc_now
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.matching.outcomes import Outcome
from domain.plans.decision import DecisionKind, DecisionOutcome, RecordedDecision
from domain.plans.plan import LOCAL, Plan, Verdict, VerdictDecision, plan_steps
from domain.runbooks.text import parse_runbook
from domain.tickets.filter import TicketFilter
from domain.tickets.ticket import NewTicket, TicketStatus

NOW = utc_now()
LONG_AGO = NOW - timedelta(days=40)
RUNBOOK = parse_runbook("""
id: look
title: Look
risk: none
target: local
steps:
  - {name: Look, run: uptime}
  - {name: Look again, run: w}
""")
AUTOMATIC = "handrail"


async def file(database: Database, title: str = "down", **values: Any) -> str:
    """File a ticket and set columns of it; returns its id."""
    async with database.write() as session:
        new = NewTicket(title=title, source=values.pop("source", "api"))
        ticket, _ = await tickets.file_ticket(session, "demo", new, new_id(), None)
        if values:
            await session.execute(update(TicketRow).where(TicketRow.id == ticket.id).values(**values))
    return ticket.id


async def ran(database: Database, ticket_id: str, status: ExecutionStatus, **values: Any) -> str:
    """Store an execution that took two seconds, one for each step; returns its id."""
    plan = Plan(
        runbook_id=values.get("runbook_id", RUNBOOK.id),
        runbook_version=1,
        runbook_digest="d",
        title="Look",
        risk=RUNBOOK.risk,
        inputs={},
        targets=[LOCAL],
        steps=plan_steps(RUNBOOK, [LOCAL]),
        confidence_score=0.9,
        verdict=Verdict(decision=VerdictDecision.RUN, reasons=[]),
    )
    new = executions.NewExecution(
        id=new_id(),
        tenant="demo",
        ticket_id=ticket_id,
        plan=plan,
        digest=plan.digest(),
        status=status,
        requested_by=AUTOMATIC,
        created_at=NOW,
    )
    async with database.write() as session:
        await executions.add_execution(session, new)
        ran = {"started_at": NOW, "ended_at": NOW + timedelta(seconds=2)}
        await executions.update_execution(session, new.id, **(ran | values))
        await session.execute(
            update(StepRow)
            .where(StepRow.execution_id == new.id)
            .values(status=StepStatus.SUCCEEDED.value, started_at=NOW, ended_at=NOW + timedelta(seconds=1))
        )
        await tickets.update_ticket(session, ticket_id, execution_id=new.id)
    return new.id


async def test_the_runbook_of_a_ticket_is_what_runs_or_else_a_good_match(database: Database) -> None:
    good, bad = ([{"runbook_id": "x", "confidence_score": score}] for score in (0.6, 0.1))
    matched = await file(database, matched_runbooks=good)
    unsure = await file(database, matched_runbooks=bad)
    running = await file(database, matched_runbooks=good)
    await ran(database, running, ExecutionStatus.RUNNING)
    async with database.read() as session:
        chosen = await lists.chosen_runbooks(session, [matched, unsure, running])
    assert {one: (book.runbook_id, book.confidence_score) for one, book in chosen.items()} == {
        matched: ("x", 0.6),
        running: ("look", 0.9),
    }


async def test_changed_tickets_say_whether_the_filter_takes_them(database: Database) -> None:
    first = await file(database, "disk full")
    old = await file(database, "disk old", updated_at=LONG_AGO)
    other = await file(database, "network down")
    narrow = TicketFilter(q="disk")
    async with database.read() as session:
        changed = await lists.changed_tickets(session, "demo", narrow, first, NOW - timedelta(minutes=1), 10)
        later = await lists.changed_tickets(session, "demo", narrow, other, NOW - timedelta(minutes=1), 10)
        nothing = await lists.changed_tickets(session, "demo", narrow, first, NOW + timedelta(hours=1), 10)
    assert [(ticket.id, fits) for ticket, fits in changed] == [(other, False), (first, True)]
    assert [ticket.id for ticket, _ in later] == [other]
    assert nothing == []
    assert old not in {ticket.id for ticket, _ in changed}


async def test_sources_and_whether_there_is_any_ticket(database: Database) -> None:
    async with database.read() as session:
        assert not await lists.has_tickets(session, "demo")
        assert await lists.recent_values(session, "demo", "source") == []
    for source in ("zabbix", "api", "zabbix"):
        await file(database, source=source)
    async with database.read() as session:
        assert await lists.has_tickets(session, "demo")
        assert await lists.recent_values(session, "demo", "source") == ["api", "zabbix"]


async def test_who_uses_a_connection(database: Database) -> None:
    meant = await file(database, "about it", analysis={"ci": {"connection": "web-01"}})
    await file(database, "about another", analysis={"ci": {"connection": "web-010"}})
    await file(database, "not analysed")
    there = await file(database, "ran there", analysis={"ci": {"connection": None}})
    await ran(database, there, ExecutionStatus.SUCCEEDED)
    await ran(database, there, ExecutionStatus.ROLLED_BACK)
    await ran(database, there, ExecutionStatus.REJECTED, started_at=None)
    async with database.write() as session:
        await session.execute(update(StepRow).values(host="web-01"))
    async with database.read() as session:
        use = await lists.connection_use(session, "demo", "web-01", 10)
        capped = await lists.connection_use(session, "demo", "web-01", 1)
        nobody = await lists.connection_use(session, "demo", "db-01", 10)
    assert [one.id for one in use.tickets] == [there, meant]
    assert use.runs == {"look": 2}
    assert [one.id for one in capped.tickets] == [there]
    assert (nobody.tickets, nobody.runs) == ([], {})


async def test_the_ends_of_outputs(database: Database) -> None:
    execution_id = await ran(database, await file(database), ExecutionStatus.RUNNING)
    async with database.write() as session:
        for position, text in ((1, b"0123456789"), (2, "é€".encode())):
            output = executions.RawOutput(text, b"", 5_000, 0, is_complete=False)
            await executions.save_output(session, execution_id, position, output)
    async with database.read() as session:
        tails = {one.position: one for one in await lists.output_tails(session, execution_id, 4)}
    assert (tails[1].stdout, tails[1].stdout_bytes, tails[1].stderr) == ("6789", 5_000, "")
    assert tails[2].stdout == "\ufffd€"  # a tail may begin within a character


async def test_how_long_a_step_usually_takes(database: Database) -> None:
    for _ in range(3):
        await ran(database, await file(database), ExecutionStatus.SUCCEEDED)
    async with database.read() as session:
        assert await lists.usual_seconds(session, "demo", "look") == {"Look": 1.0, "Look again": 1.0}
        assert await lists.usual_seconds(session, "demo", "other") == {}


async def test_the_figures_of_runbooks(database: Database) -> None:
    ticket_id = await file(database)
    await ran(database, ticket_id, ExecutionStatus.SUCCEEDED)
    await ran(database, ticket_id, ExecutionStatus.SUCCEEDED, ended_at=NOW + timedelta(seconds=4))
    await ran(database, ticket_id, ExecutionStatus.ROLLED_BACK, created_at=NOW - timedelta(hours=1))
    cancelled = {"cause": "cancelled", "actor": "sam"}
    await ran(database, ticket_id, ExecutionStatus.ROLLED_BACK, created_at=LONG_AGO, ending=cancelled)
    await ran(database, ticket_id, ExecutionStatus.RUNNING, runbook_id="other", ended_at=None)
    await ran(database, ticket_id, ExecutionStatus.REJECTED, runbook_id="never", started_at=None)
    async with database.read() as session:
        found = await figures.runbook_figures(session, "demo")
    look = found["look"]
    assert (look.runs, look.successes, look.last_used_at, look.usual) == (3, 2, NOW, 3.0)
    assert (found["other"].runs, found["other"].success_share, found["other"].usual) == (0, None, None)
    assert "never" not in found


async def test_fates(database: Database) -> None:
    await file(database, "old", created_at=LONG_AGO)
    resolved = await file(database, status="resolved", resolved_at=NOW)
    await ran(database, resolved, ExecutionStatus.SUCCEEDED)
    told = {"started_at": None, "ending": {"cause": "rejected", "actor": "sam"}}
    decided = await ran(database, resolved, ExecutionStatus.REJECTED, created_at=NOW - timedelta(minutes=1), **told)
    asked = {"requested_by": "sam", "created_at": NOW - timedelta(minutes=2)}
    await ran(database, resolved, ExecutionStatus.SUCCEEDED, **asked)
    async with database.write() as session:
        said = RecordedDecision(
            decision_id=new_id(),
            decision=DecisionKind.REJECT,
            plan_digest="d",
            actor="sam",
            ticket_id=resolved,
            execution_id=decided,
            result=DecisionOutcome.ACCEPTED,
            detail="",
            created_at=NOW,
        )
        await decisions.add_decision(session, "demo", said)
    async with database.read() as session:
        since = NOW - timedelta(days=1)
        fates = await figures.ticket_fates(session, "demo", since)
        runs = await figures.execution_fates(session, "demo", since, AUTOMATIC)
        later = await figures.execution_fates(session, "demo", NOW + timedelta(hours=1), AUTOMATIC)
    assert [(one.status, one.resolved_at) for one in fates] == [(TicketStatus.RESOLVED, NOW)]
    assert [(run.outcome, run.is_unattended) for run in runs] == [
        (Outcome.SUCCESS, True),
        (Outcome.REJECTION, False),
        (Outcome.SUCCESS, False),
    ]
    assert later == []


async def test_runbooks_are_found_by_all_of_their_words(database: Database) -> None:
    texts = {
        "disk": "id: disk\ntitle: Free 100% of a DISK\nrisk: none\nsteps:\n  - {name: Look, run: df}\n",
        "look": "id: look\ntitle: Look\nrisk: none\nsteps:\n  - {name: Look, run: uptime}\n",
    }
    async with database.write() as session:
        for text in texts.values():
            await runbooks.save_runbook(session, "demo", parse_runbook(text), text, "test")
        await runbooks.retire_runbook(session, "demo", "look")
    async with database.read() as session:

        async def found(words: str) -> list[str]:
            return [one.runbook.id for one in await runbooks.search_runbooks(session, "demo", words, 10)]

        assert await found("disk FREE") == ["disk"]
        assert await found("100%") == ["disk"]
        assert await found("1_0%") == []  # no wildcards
        assert await found("disk network") == []
        assert await found("") == ["disk"]  # what is retired is not found
