"""What no handler can take, nobody can open or no database can hold: the ticket goes on listening."""

import json
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest

from domain.base import new_id
from domain.tickets.ticket import TicketStatus
from tests.e2e.test_without_a_token import WORDS, resolved_after_all
from tests.stack import Stack
from tests.workflows.samples import runbook
from workflows.names import KEY_ID, SEALED_ENCODING

pytestmark = pytest.mark.e2e
SIGNED_AT = "2026-11-30T11:00:00Z"


def plain(**fields: object) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(fields).encode())


def sealed(data: bytes, **metadata: bytes) -> Payload:
    return Payload(metadata={"encoding": SEALED_ENCODING, **metadata}, data=data)


def signature(value: str) -> dict[str, str]:
    return {"id": "a", "signed_at": SIGNED_AT, "value": value}


DECISION = {"decision": "approve", "plan_digest": "x", "actor": "mallory", "decision_id": "1"}
MALFORMED: list[tuple[str, list[Payload]]] = [
    ("cancel", []),
    ("approval", [Payload(metadata={"encoding": b"binary/null"})]),
    ("cancel", [Payload(metadata={"encoding": b"binary/null"})]),
    ("execute", [Payload(metadata={"encoding": b"binary/null"})]),
    ("cancel", [plain(actor="mallory"), plain()]),
    ("lease_released", [plain()]),
    ("cancel", [plain(actor="mallory", signature=signature("é"))]),
    ("cancel", [plain(actor="mallory", signature=signature("\ud800"))]),
    ("cancel", [plain(actor="m\0y", signature=signature("no"))]),
    ("approval", [plain(**{**DECISION, "actor": "a\0b"})]),
    ("approval", [plain(**{**DECISION, "actor": "a\ud800b"})]),
    ("approval", [plain(**{**DECISION, "plan_digest": "\0"}, signature=signature("no"))]),
    ("approval", [sealed(b"AAAA", **{KEY_ID: b"nope"})]),
    ("approval", [sealed(b"AAAA", **{KEY_ID: b"\xff\xfe"})]),
    ("approval", [sealed(b"AAAA")]),
    ("execute", [plain(runbook_id="\0" * 100, actor="x")]),
]


async def test_no_signal_makes_a_ticket_deaf(stack: Stack, tmp_path: Path) -> None:
    await stack.add_runbook(runbook(tmp_path))
    await stack.set(mode="hil")
    async with stack.worker():
        ticket_id = await stack.file(**WORDS)
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        key = next(iter(stack.cipher.key_ids)).encode()
        for name, payloads in [*MALFORMED, ("approval", [sealed(b"damaged", **{KEY_ID: key})])]:
            await stack.client.workflow_service.signal_workflow_execution(
                SignalWorkflowExecutionRequest(
                    namespace=stack.client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=stack.tickets.handle(stack.tenant, ticket_id).id),
                    signal_name=name,
                    input=Payloads(payloads=payloads),
                    request_id=new_id(),
                )
            )
        await resolved_after_all(stack, ticket_id, tmp_path)
