"""What takes a while is done before a transaction writes; what others wrote meanwhile counts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import executions, leases, runbooks
from db.engine import Database
from domain.executions.execution import ExecutionStatus
from domain.workflows.requests import PlanRequest
from reconciler.reconcile import reconcile
from services import planning, plans
from services.library import Library
from tests.activities.test_steps import Bench, bench  # noqa: F401 - a fixture
from tests.leases import list_leases
from workflows.watch import WorkflowWatch

STEP = "  - {name: first, run: 'true', rollback: 'true'}"


async def test_a_plan_stands_on_what_was_written_while_it_was_made(
    bench: Bench,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await bench.plan(STEP)
    versions: list[int] = []

    async def draft_slowly(session: AsyncSession, request: PlanRequest, confidence: float) -> Any:
        drafted = await planning.draft_plan(session, request, confidence)
        if not versions:
            await change_runbook(bench.database)
        versions.append(drafted[0].runbook_version)
        return drafted

    monkeypatch.setattr(plans, "draft_plan", draft_slowly)
    request = PlanRequest(
        tenant="demo", ticket_id=bench.order.ticket_id, execution_id="next", runbook_id="r", requested_by="test"
    )
    await plans.make_plan(bench.database, Library(bench.database), request, "made")
    async with bench.database.read() as session:
        plan = await executions.get_plan(session, "demo", bench.order.ticket_id, "next")
    assert (versions, plan.runbook_version) == ([1, 2], 2)


async def change_runbook(database: Database) -> None:
    async with database.write() as session:
        stored = await runbooks.get_runbook(session, "demo", "r")
        assert stored is not None
        changed = stored.runbook.model_copy(update={"title": "Another title"})
        await runbooks.save_runbook(session, "demo", changed, stored.text, "test")


class UndoBegins(WorkflowWatch):
    """Asked whether a ticket's workflow runs, it does not yet; before that is acted upon an undo asks for its host."""

    def __init__(self, bench: Bench) -> None:  # noqa: F811
        self._bench = bench
        self.asked = 0

    async def runs(self, tenant: str, ticket_id: str, run_id: str | None = None) -> bool:
        self.asked += 1
        await ask_for_host(self._bench)
        return False

    async def runs_by_ticket(self) -> AsyncIterator[tuple[str, str, str]]:
        no_run: list[tuple[str, str, str]] = []
        for one in no_run:
            yield one


async def ask_for_host(bench: Bench) -> None:  # noqa: F811
    async with bench.database.write() as session:
        order = bench.order
        assert await leases.take_leases(session, "demo", order.ticket_id, order.execution_id, ["local"]) == []


async def test_an_undo_that_begins_while_temporal_is_asked_keeps_its_host(bench: Bench) -> None:  # noqa: F811
    """Also where an undo before it, which was ended from outside, had left the host to it."""
    await bench.plan(STEP)
    async with bench.database.write() as session:
        await executions.set_execution_status(session, bench.order.execution_id, ExecutionStatus.ROLLED_BACK)
    await ask_for_host(bench)
    watch = UndoBegins(bench)
    assert await reconcile(bench.database, watch, timedelta(0)) == 0
    assert watch.asked
    async with bench.database.read() as session:
        assert [one.execution_id for one in await list_leases(session)] == [bench.order.execution_id]
