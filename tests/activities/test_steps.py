"""One step as an activity: the approved plan only, once, and nothing stored that must not be."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.records import event_key
from activities.steps import PATIENCE_BEFORE, StepActivities
from db import connections, executions, leases, runbooks, signed, tenants, tickets
from db.cipher import Cipher
from db.engine import Database
from db.tables import ExecutionRow, LeaseRow, SignedMessageRow, StepRow
from db.turns import begin_again
from domain.base import new_id, utc_now
from domain.connections.connection import CredentialKind, NewCredential
from domain.executions.execution import ExecutionStatus, StepOutput, StepRecord, StepStatus
from domain.plans.decision import Decision, DecisionKind
from domain.plans.plan import Plan, Target
from domain.runbooks.runbook import Expect
from domain.runbooks.text import parse_runbook
from domain.signature import MessageKind
from domain.tickets.ticket import NewTicket
from domain.workflows.orders import StepRun
from domain.workflows.outlines import StepOutcome
from domain.workflows.requests import PlanRequest
from integrations.connector import HostUnreachable
from integrations.local import LocalRunner
from services.mail import NotAdmitted
from services.planning import draft_plan
from services.step_records import StepRecords
from tests.home import HOME
from tests.migrated import migrated


class Bench:
    """One stored execution and the activity that runs its steps."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.cipher = Cipher([Fernet.generate_key().decode()])
        self.use(LocalRunner(home=HOME))
        self.environment = ActivityEnvironment()
        self.order = StepRun(tenant="demo", ticket_id="", execution_id="", plan_digest="", position=1)

    def use(self, runner: LocalRunner) -> None:
        """Reach the host by this runner from now on, as a new worker does."""
        self.runner = runner
        self.activity = StepActivities(StepRecords(self.database, self.cipher, event_key), {"local": runner})

    async def plan(self, steps: str, **inputs: str) -> None:
        """Store a plan whose steps are these (YAML, indented by two)."""
        declared = "".join(f"\n  {name}: {{type: string}}" for name in inputs) or " {}"
        text = f"id: r\ntitle: A runbook\nrisk: low\ntarget: local\ninputs:{declared}\nsteps:\n{steps}\n"
        runbook = parse_runbook(text + "postchecks:\n  - {name: ok, run: 'true'}\n")
        async with self.database.write() as session:
            await runbooks.save_runbook(session, "demo", runbook, text, "test")
            ticket, _ = await tickets.file_ticket(session, "demo", NewTicket(title="widgets broke"), new_id(), None)
            request = PlanRequest(
                tenant="demo",
                ticket_id=ticket.id,
                execution_id=new_id(),
                runbook_id="r",
                inputs=inputs,
                requested_by="test",
            )
            plan, _ = await draft_plan(session, request, 0.9)
            new = executions.NewExecution(
                id=request.execution_id,
                tenant="demo",
                ticket_id=ticket.id,
                plan=plan,
                digest=plan.digest(),
                status=ExecutionStatus.RUNNING,
                requested_by="test",
                created_at=utc_now(),
            )
            await executions.add_execution(session, new)
            await self.hold(session, new.id, ticket.id, plan)
        self.order = StepRun(
            tenant="demo",
            ticket_id=ticket.id,
            execution_id=request.execution_id,
            plan_digest=plan.digest(),
            position=1,
        )
        await self.approve()

    async def hold(self, session: AsyncSession, execution_id: str, ticket_id: str, plan: Plan) -> None:
        """Give the plan's hosts to an execution, whoever had them."""
        await session.execute(delete(LeaseRow))
        assert await leases.take_leases(session, "demo", ticket_id, execution_id, plan.leases) == []

    async def approve(self, step: int | None = None, turn: int = 1) -> None:
        """Note what a worker notes that has looked at a signed approval."""
        decision = Decision(
            decision=DecisionKind.APPROVE,
            plan_digest=self.order.plan_digest,
            actor="sam",
            decision_id=new_id(),
            step=step,
            turn=turn,
        )
        document = {
            "tenant": "demo",
            "subject": self.order.ticket_id,
            "id": decision.decision_id,
            "kind": MessageKind.APPROVAL.value,
            "execution_id": self.order.execution_id,
            "message": decision.model_dump(mode="json", exclude_defaults=True),
        }
        async with self.database.write() as session:
            assert await signed.take_message(session, document, "r")

    async def change_pattern(self, pattern: str) -> None:
        """Let the approved plan expect a pattern that is not taken any more."""
        async with self.database.write() as session:
            row = await session.get_one(ExecutionRow, self.order.execution_id)
            plan = Plan.model_validate(row.plan)
            spec = plan.steps[0].spec.model_copy(update={"expect": Expect(pattern=pattern)})
            plan = plan.model_copy(update={"steps": [plan.steps[0].model_copy(update={"spec": spec})]})
            row.plan, row.plan_digest = plan.model_dump(mode="json", by_alias=True), plan.digest()
        self.order = self.order.model_copy(update={"plan_digest": plan.digest()})
        await self.approve()

    async def move_to_another_host(self, position: int) -> None:
        """Let the approved plan run one of its steps on `far`, over SSH."""
        far = Target(name="far", connector="ssh", host="far", username="u", credential="c", host_key="k")
        async with self.database.write() as session:
            key = NewCredential(name="c", kind=CredentialKind.PASSWORD, username="u", password="secret")
            await connections.save_credential(session, "demo", key, self.cipher, "test")
            row = await session.get_one(ExecutionRow, self.order.execution_id)
            plan = Plan.model_validate(row.plan)
            steps = [
                one.model_copy(update={"target": "far"}) if one.position == position else one for one in plan.steps
            ]
            plan = plan.model_copy(update={"targets": [*plan.targets, far], "steps": steps})
            row.plan, row.plan_digest = plan.model_dump(mode="json", by_alias=True), plan.digest()
            await self.hold(session, row.id, row.ticket_id, plan)
        self.order = self.order.model_copy(update={"plan_digest": plan.digest()})
        await self.approve()

    async def run(self, **changed: object) -> StepOutcome:
        order = self.order.model_copy(update=changed)
        outcome: StepOutcome = await self.environment.run(self.activity.run_step, order)
        return outcome

    async def step(self, position: int = 1) -> StepRecord:
        async with self.database.read() as session:
            execution = await executions.get_execution(session, "demo", self.order.execution_id)
        assert execution is not None
        return execution.steps[position - 1]

    async def output(self, position: int = 1) -> StepOutput | None:
        async with self.database.read() as session:
            return await executions.get_output(session, self.order.execution_id, position)

    async def variables(self) -> dict[str, bytes]:
        async with self.database.read() as session:
            return await executions.get_variables(session, self.order.execution_id)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    bench = Bench(database)
    yield bench
    await bench.runner.close()
    await database.close()


def step(run: str, *more: str) -> str:
    return "\n    ".join([f"  - name: do it\n    run: {run!r}", "no_rollback: a test", *more])


async def test_success_keeps_output_and_registers_without_trailing_newlines(bench: Bench) -> None:
    await bench.plan(step("printf 'a\\nb\\n\\n'; echo oops >&2", "register: lines"))
    assert (await bench.run()).status is StepStatus.SUCCEEDED
    output = await bench.output()
    assert output is not None
    assert (output.stdout, output.stderr, output.is_complete) == ("a\nb\n\n", "oops\n", True)
    assert await bench.variables() == {"lines": b"a\nb"}


async def test_a_changed_plan_does_not_run(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(step(f"touch {tmp_path}/ran"))
    outcome = await bench.run(plan_digest="f" * 64)
    assert outcome.status is StepStatus.FAILED
    assert "approved was ffff" in outcome.detail
    async with bench.database.write() as session:
        row = await session.get_one(ExecutionRow, bench.order.execution_id)
        plan = row.plan | {"inputs": {"sneaked": "in"}}
        row.plan = plan
    assert (await bench.run()).status is StepStatus.FAILED
    assert not (tmp_path / "ran").exists()


async def test_a_plan_or_a_step_that_nobody_approved_does_not_run(bench: Bench, tmp_path: Path) -> None:
    """Whatever the workflow that orders it was made to believe."""
    await bench.plan(f"  - {{name: a, run: touch {tmp_path}/ran, approval: required, no_rollback: a test}}")
    await bench.approve(step=2)
    with pytest.raises(NotAdmitted, match="approved step 1"):
        await bench.run()
    async with bench.database.write() as session:
        await session.execute(delete(SignedMessageRow).where(SignedMessageRow.subject == bench.order.ticket_id))
    await bench.approve(step=1)
    with pytest.raises(NotAdmitted, match="approved this plan"):
        await bench.run()
    assert not (tmp_path / "ran").exists()
    await bench.approve()
    assert (await bench.run()).status is StepStatus.SUCCEEDED


async def test_a_step_that_was_approved_before_others_had_its_host_does_not_run(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(f"  - {{name: a, run: touch {tmp_path}/ran, approval: required, no_rollback: a test}}")
    await bench.approve(step=1)
    async with bench.database.write() as session:
        await begin_again(session, bench.order.execution_id)
    with pytest.raises(NotAdmitted, match="approved step 1"):
        await bench.run()
    assert not (tmp_path / "ran").exists()
    await bench.approve(step=1, turn=2)
    assert (await bench.run()).status is StepStatus.SUCCEEDED


async def test_a_retried_activity_never_runs_the_command_again(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(step(f"echo once >> {tmp_path}/ledger; exit 3"))
    first = await bench.run()
    again = await bench.run()
    assert first == again
    assert first.exit_status == 3
    assert (tmp_path / "ledger").read_text() == "once\n"


async def test_a_crash_after_the_command_finds_its_result_on_the_host(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(step(f"echo once >> {tmp_path}/ledger; echo out"))
    await bench.run()
    async with bench.database.write() as session:  # as if the worker had died before it wrote the result
        row = await session.get_one(StepRow, (bench.order.execution_id, 1, False))
        row.ended_attempt, row.status = None, StepStatus.RUNNING.value
    assert (await bench.run()).status is StepStatus.SUCCEEDED
    output = await bench.output()
    assert output is not None
    assert output.stdout == "out\n"
    assert (tmp_path / "ledger").read_text() == "once\n"


async def test_sensitive_output_is_stored_nowhere(bench: Bench) -> None:
    await bench.plan(step("echo hunter2; echo hunter2 >&2; exit 1", "sensitive: true"))
    outcome = await bench.run()
    assert outcome.status is StepStatus.FAILED
    assert "hunter2" not in outcome.detail
    assert await bench.output() is None
    assert "hunter2" not in (await bench.step()).model_dump_json()


@pytest.mark.parametrize(
    ("fields", "run", "status", "words"),
    [
        ("expect: {exit_codes: [3]}", "exit 3", StepStatus.SUCCEEDED, ""),
        ("expect: {exit_codes: [3]}", "exit 0", StepStatus.FAILED, "exit status 0"),
        ("expect: {pattern: 'all (good|fine)'}", "echo all fine", StepStatus.SUCCEEDED, ""),
        ("expect: {pattern: 'all (good|fine)'}", "echo broken", StepStatus.FAILED, "does not have what"),
        ("expect: {pattern: '^all fine$'}", "echo all fine", StepStatus.SUCCEEDED, ""),
        ("expect: {pattern: '(a+)+$'}", "printf 'a%.0s' $(seq 5000); echo !", StepStatus.FAILED, "does not have what"),
        ("timeout: 1s", "sleep 60", StepStatus.FAILED, "longer than its timeout"),
        ("register: value", "printf 'a\\0b'", StepStatus.FAILED, "NUL"),
        ("register: value", "head -c 3000000 /dev/zero | tr '\\0' x", StepStatus.FAILED, "too large to register"),
        ("expect: {pattern: 'x'}", "head -c 3000000 /dev/zero | tr '\\0' x", StepStatus.FAILED, "too large to judge"),
    ],
)
async def test_what_counts_as_success(bench: Bench, fields: str, run: str, status: StepStatus, words: str) -> None:
    await bench.plan(step(run, fields))
    outcome = await bench.run()
    assert outcome.status is status
    assert words in outcome.detail


async def test_a_step_that_nobody_could_judge_is_never_sent(bench: Bench, tmp_path: Path) -> None:
    """Its pattern was approved when Python's `re` read them."""
    await bench.plan(step(f"touch {tmp_path}/ran; echo ok", "expect: {pattern: ok}"))
    await bench.change_pattern("(?<=o)k")
    outcome = await bench.run()
    assert outcome.status is StepStatus.FAILED
    assert "cannot be judged: the pattern that it is to have looks around" in outcome.detail
    assert not (tmp_path / "ran").exists()


async def test_one_that_was_sent_before_is_waited_for_and_then_failed(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(step(f"echo once >> {tmp_path}/ledger; echo ok", "expect: {pattern: ok}"))
    await bench.run()
    await bench.change_pattern("(?<=o)k")
    async with bench.database.write() as session:  # as if the worker had been replaced in the middle of it
        row = await session.get_one(StepRow, (bench.order.execution_id, 1, False))
        row.ended_attempt, row.status = None, StepStatus.RUNNING.value
    outcome = await bench.run()
    assert outcome.status is StepStatus.FAILED
    assert "cannot be judged" in outcome.detail
    assert (tmp_path / "ledger").read_text() == "once\n"


async def test_values_arrive_byte_for_byte_and_never_as_shell(bench: Bench, tmp_path: Path) -> None:
    nasty = f"$(touch {tmp_path}/pwned) `id` '; \" \\ \n -rf ü"
    await bench.plan(step(f'printf %s "$what" > {tmp_path}/got'), what=nasty)
    assert (await bench.run()).status is StepStatus.SUCCEEDED
    assert (tmp_path / "got").read_text() == nasty
    assert not (tmp_path / "pwned").exists()


async def test_registered_bytes_reach_later_steps(bench: Bench, tmp_path: Path) -> None:
    first = step("printf 'a\\377b'", "register: raw")
    second = step(f'printf %s "$raw" > {tmp_path}/got').replace("do it", "use it")
    await bench.plan(f"{first}\n{second}")
    await bench.run()
    assert (await bench.run(position=2)).status is StepStatus.SUCCEEDED
    assert (tmp_path / "got").read_bytes() == b"a\xffb"


async def test_a_step_that_is_not_needed_is_skipped(bench: Bench, tmp_path: Path) -> None:
    await bench.plan(step(f"touch {tmp_path}/ran", 'when: "int(count) > 3"'), count="2")
    assert (await bench.run()).status is StepStatus.SKIPPED
    assert not (tmp_path / "ran").exists()
    assert (await bench.step()).status is StepStatus.SKIPPED


async def test_big_output_is_cut_in_the_rows_and_says_so(bench: Bench) -> None:
    await bench.plan(step("head -c 20000000 /dev/zero | tr '\\0' x"))
    assert (await bench.run()).status is StepStatus.SUCCEEDED
    output = await bench.output()
    assert output is not None
    assert output.stdout_bytes == 20_000_000
    assert len(output.stdout) <= 1 << 20
    assert "bytes left out" in output.stdout


async def test_a_host_that_is_down_is_tried_for_a_while(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.plan(step("true"))

    async def unreachable(*_: object) -> None:
        raise HostUnreachable("connection refused")

    monkeypatch.setattr(bench.runner, "identify_record", unreachable)
    now = utc_now()
    bench.environment.info = replace(bench.environment.info, scheduled_time=now)
    with pytest.raises(HostUnreachable):
        await bench.run()
    bench.environment.info = replace(
        bench.environment.info, scheduled_time=now - PATIENCE_BEFORE - timedelta(seconds=1)
    )
    outcome = await bench.run()
    assert outcome.status is StepStatus.FAILED
    assert "could not be reached: connection refused" in outcome.detail


@pytest.mark.parametrize("is_rollback", [False, True])
@pytest.mark.parametrize("foreign", ["tenant", "ticket_id"])
async def test_an_execution_of_another_is_never_run(
    bench: Bench, tmp_path: Path, foreign: str, is_rollback: bool
) -> None:
    """Its host would meet the credential of whoever the order names."""
    undo = f"rollback: touch {tmp_path}/ran"
    await bench.plan(f"  - name: do it\n    run: touch {tmp_path}/ran\n    {undo}")
    async with bench.database.write() as session:
        await tenants.add_tenant(session, "other")
        other, _ = await tickets.file_ticket(session, "other", NewTicket(title="widgets broke"), new_id(), None)
    changed = {"tenant": "other", "ticket_id": other.id}[foreign]
    outcome = await bench.run(**{foreign: changed}, is_rollback=is_rollback)
    assert outcome.status is StepStatus.FAILED
    assert "no such execution" in outcome.detail
    assert not (tmp_path / "ran").exists()
    assert (await bench.step()).attempts == 0
