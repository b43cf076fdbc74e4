"""Which keys are needed: what a rotation may drop, and what is said and kept when one is dropped too early."""

from dataclasses import replace
from pathlib import Path

from cryptography.fernet import Fernet

from commands.server.keys import advice
from db import connections
from db.cipher import Cipher
from db.sealed import reseal
from domain.base import new_id
from domain.connections.connection import CredentialKind, NewCredential
from domain.executions.execution import ExecutionStatus
from domain.finding import FindingKind
from domain.plans.decision import Decision, DecisionKind
from domain.runbooks.text import parse_runbook
from domain.sealed import KeyUse
from domain.tickets.ticket import TicketStatus
from reconciler.keys import find_missing_keys, key_uses
from services.sealed_inputs import split_inputs
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.workflows.samples import ledger, runbook
from workflows.key_watch import KeyWatch
from workflows.messages import RollbackRequest

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
OLD_ID, NEW_ID = (Cipher([key]).key_ids[0] for key in (OLD, NEW))
WORDS = {"title": "widget files are missing", "service": "widgets"}


async def with_keys(stack: Stack, server: TemporalServer, *keys: str) -> Stack:
    """Return the same installation after a restart with these keys."""
    cipher = Cipher(list(keys))
    return replace(stack, client=await server.client(stack.client.namespace, cipher=cipher), cipher=cipher)


async def uses(stack: Stack) -> dict[str | None, KeyUse]:
    found = await key_uses(stack.database, stack.cipher, KeyWatch(stack.client), ended=True)
    return {use.key_id: use for use in found}


async def waits(stack: Stack, folder: Path) -> str:
    """A ticket whose plan waits, and a stored credential."""
    async with stack.database.write() as session:
        new = NewCredential(name="ops", kind=CredentialKind.PASSWORD, password="hunter2-hunter2")
        await connections.save_credential(session, stack.tenant, new, stack.cipher, "test")
    await stack.set(mode="hil")
    await stack.add_runbook(runbook(folder))
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    return ticket_id


async def listed(stack: Stack, key_id: str, running: int, ended: int) -> KeyUse:
    """Temporal's list of workflows lags a little behind the workflows."""

    async def look() -> KeyUse | None:
        use = (await uses(stack))[key_id]
        return use if (use.running, use.ended) == (running, ended) else None

    return await stack.until(look)


async def is_retried(stack: Stack, ticket_id: str) -> bool | None:
    description = await stack.tickets.handle(stack.tenant, ticket_id).describe()
    return description.raw_description.pending_workflow_task.attempt > 1 or None


async def test_a_key_may_be_dropped_when_nothing_needs_it(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    old = await with_keys(stack, temporal_server, OLD)
    ticket_id = await waits(old, tmp_path)
    both = await with_keys(stack, temporal_server, NEW, OLD)
    use = await listed(both, OLD_ID, running=1, ended=0)
    assert (use.place, use.rows, advice(use)) == (2, ["credential ops of demo"], "needed until those tickets end")
    assert advice((await uses(both))[NEW_ID]) == "seals"
    async with both.worker():
        await both.decide(ticket_id)
        await both.ended(ticket_id)
    use = await listed(both, OLD_ID, running=0, ended=1)
    assert advice(use) == "needed; ./handrail keys --reseal changes that"
    async with both.database.write() as session:
        assert await reseal(session, both.cipher) == 1
    assert advice((await uses(both))[OLD_ID]) == "may be dropped; those ended stories then no longer read"
    new = await with_keys(stack, temporal_server, NEW)
    assert await find_missing_keys(new.database, new.cipher, KeyWatch(new.client)) == []
    async with new.database.read() as session:
        opened = await connections.open_credential(session, "demo", "ops", new.cipher)
        assert opened is not None
        assert opened.password == "hunter2-hunter2"


async def test_sensitive_inputs_are_sealed_anew_and_can_still_be_undone(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """With the new key alone: the plan that was approved is the same one, and its rollback gets the value."""
    old = await with_keys(stack, temporal_server, OLD)
    await old.set(mode="auto")
    undo = f'; printf %s "$token" >{tmp_path}/undone'
    text = runbook(tmp_path, more="inputs: {token: {sensitive: true}}", undo_first=undo)
    await old.add_runbook(text)
    async with old.worker():
        ticket_id = await old.file("the printer is out of toner")
        ticket = await old.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
        _, sealed = split_inputs(parse_runbook(text), {"token": "swordfish"}, ticket, "sam", old.cipher)
        await old.execute(ticket_id, "make-widgets", sealed_inputs=sealed)
        await old.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        await old.decide(ticket_id)
        await old.ended(ticket_id)
    both = await with_keys(stack, temporal_server, NEW, OLD)
    use = await listed(both, OLD_ID, running=0, ended=1)
    assert (use.rows, advice(use)) == (["sensitive inputs of 1 plan"], "needed; ./handrail keys --reseal changes that")
    new = await with_keys(stack, temporal_server, NEW)
    found = await find_missing_keys(new.database, new.cipher, KeyWatch(new.client))
    assert [finding.what for finding in found] == [
        f"key {OLD_ID} is needed and not in HANDRAIL_SECRET_KEYS: sensitive inputs of 1 plan"
    ]
    async with both.database.write() as session:
        assert await reseal(session, both.cipher) == 1
    assert await find_missing_keys(new.database, new.cipher, KeyWatch(new.client)) == []
    async with new.worker():
        execution_id = (await new.execution(ticket_id)).id
        request = RollbackRequest(request_id=new_id(), execution_id=execution_id, actor="sam")
        await new.tickets.rollback(new.tenant, ticket_id, request)

        async def undone() -> bool | None:
            return (await new.execution(ticket_id)).status is ExecutionStatus.ROLLED_BACK or None

        await new.until(undone)
    assert (tmp_path / "undone").read_text() == "swordfish"


async def test_a_key_dropped_too_early_is_said_and_nothing_is_lost(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    old = await with_keys(stack, temporal_server, OLD)
    ticket_id = await waits(old, tmp_path)
    await listed(old, OLD_ID, running=1, ended=0)
    new = await with_keys(stack, temporal_server, NEW)
    findings = await find_missing_keys(new.database, new.cipher, KeyWatch(new.client))
    assert {finding.kind for finding in findings} == {FindingKind.KEY_MISSING}
    assert [finding.what for finding in findings] == [
        f"key {OLD_ID} is needed and not in HANDRAIL_SECRET_KEYS: 1 running ticket",
        "key of another name is needed and not in HANDRAIL_SECRET_KEYS: credential ops of demo",
    ]
    assert all("add it back" in finding.mend for finding in findings)
    async with new.worker():
        execution = await new.execution(ticket_id)
        approval = Decision(
            decision=DecisionKind.APPROVE, plan_digest=execution.plan_digest, decision_id=new_id(), actor="sam"
        )
        await new.tickets.decide(new.tenant, ticket_id, approval, execution.id)
        await new.until(lambda: is_retried(new, ticket_id))
        assert ledger(tmp_path) == []
    both = await with_keys(stack, temporal_server, NEW, OLD)
    async with both.worker():
        assert (await both.ended(ticket_id)).status is TicketStatus.RESOLVED
    assert (await both.execution(ticket_id)).id == execution.id
    assert ledger(tmp_path) == ["precheck", "one", "two", "postcheck"]
