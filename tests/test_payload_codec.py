"""What Temporal stores is sealed: a story's texts are in none of its bytes, and read again with the keys."""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.exceptions import ApplicationError

from db.cipher import Cipher
from domain.plans.decision import DecisionKind
from domain.sealed import CipherKeyWrong
from domain.tickets.ticket import TicketStatus
from payload_codec import SealingCodec, sealing_converter
from tests.payloads import opened
from tests.stack import Stack
from tests.temporal_server import TemporalServer
from tests.workflows.samples import runbook
from workflows.messages import CancelRequest
from workflows.names import KEY_ID, ticket_workflow_id
from workflows.payloads import is_sealed, payloads_in

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
MARKER = "swordfish"
SPECS = "inputs: {who: {type: string}}"


# What the SDK notes past every codec: the name of a patch of our code; a local activity's name, number and times.
NOTES = {
    "patch-data": {"id", "deprecated"},
    "data": {
        *("seq", "attempt", "activity_id", "activity_type", "activation_index"),
        *("complete_time", "original_schedule_time", "backoff"),
    },
}


def unsealed(event: HistoryEvent) -> list[str]:
    """Return where payloads are readable that are no search attributes, nor such notes."""
    marker = event.marker_recorded_event_attributes
    for name in NOTES.keys() & marker.details.keys():
        (note,) = marker.details[name].payloads
        assert set(json.loads(note.data)) <= NOTES[name], note.data
        del marker.details[name]
    return [
        path for path, payload in payloads_in(event) if not is_sealed(payload) and ".search_attributes." not in path
    ]


async def tell_a_story(stack: Stack, folder: Path) -> str:
    """A ticket with the marker in its text, an input, a comment, a command's last words and a reason."""
    text = runbook(folder, more=SPECS, postcheck=f"; echo {MARKER} >&2; exit 3", second="approval: required")
    await stack.add_runbook(text)
    ticket_id = await stack.file(f"the printer of {MARKER} is out of toner")
    await stack.status(ticket_id, TicketStatus.AWAITING_RUNBOOK)
    await stack.execute(ticket_id, "make-widgets", who=MARKER)
    await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
    await stack.decide(ticket_id, comment=f"{MARKER} said so")

    async def step_waits() -> bool | None:
        return (await stack.execution(ticket_id)).steps[2].status.value == "awaiting_approval" or None

    await stack.until(step_waits)
    await stack.decide(ticket_id, DecisionKind.APPROVE, step=3)
    await stack.ended(ticket_id)
    await stack.cancel(ticket_id, CancelRequest(actor="sam", comment=MARKER))
    await stack.ended(ticket_id)
    return ticket_id


async def test_nothing_that_temporal_stores_is_readable(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with stack.worker():
        ticket_id = await tell_a_story(stack, tmp_path)
    query = f"WorkflowId = '{ticket_workflow_id(stack.tenant, ticket_id)}'"

    async def both_runs() -> list[WorkflowHistory] | None:
        histories = [history async for history in stack.client.list_workflows(query).map_histories()]
        return histories if len(histories) == 2 else None

    histories = await stack.until(both_runs)
    stored = b""
    for history in histories:
        for event in history.events:
            stored += event.SerializeToString()
            assert unsealed(event) == []
    where = {path for history in histories for event in history.events for path, _ in payloads_in(event)}
    assert ".user_metadata.summary" in where
    assert MARKER.encode() not in stored
    for path in temporal_server.home.glob("temporal.db*"):
        assert MARKER.encode() not in path.read_bytes(), path
    readable = [event.SerializeToString() for history in histories for event in await opened(stack.client, history)]
    assert b"".join(readable).count(MARKER.encode()) >= 5


async def test_search_attributes_and_ids_stay_readable(stack: Stack, tmp_path: Path) -> None:
    await stack.set(mode="hil")
    await stack.add_runbook(runbook(tmp_path))
    async with stack.worker():
        ticket_id = await stack.file("widget files are missing", service="widgets")
        await stack.status(ticket_id, TicketStatus.AWAITING_APPROVAL)
        query = f"HandrailRunbook = 'make-widgets' AND WorkflowId = 'ticket:{stack.tenant}:{ticket_id}'"

        async def listed() -> str | None:
            return next(iter([one.id async for one in stack.client.list_workflows(query)]), None)

        assert await stack.until(listed) == f"ticket:{stack.tenant}:{ticket_id}"


async def test_a_failure_says_nothing_before_it_is_opened() -> None:
    converter = sealing_converter(Cipher([NEW]))
    failure = Failure()
    error = ApplicationError(f"no route to {MARKER}", {"host": MARKER}, type="HostUnreachable")
    error.__cause__ = OSError(f"cause: {MARKER}")
    await converter.encode_failure(error, failure)
    assert MARKER.encode() not in failure.SerializeToString()
    opened = await converter.decode_failure(failure)
    assert isinstance(opened, ApplicationError)
    assert (opened.message, opened.type, opened.details) == (
        f"no route to {MARKER}",
        "HostUnreachable",
        ({"host": MARKER},),
    )
    assert MARKER in str(opened.cause)


async def test_a_new_key_opens_nothing_old_and_both_open_all() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')
    (sealed,) = await SealingCodec(Cipher([OLD])).encode([plain])
    assert await SealingCodec(Cipher([NEW, OLD])).decode([sealed]) == [plain]
    with pytest.raises(CipherKeyWrong, match=sealed.metadata[KEY_ID].decode()):
        await SealingCodec(Cipher([NEW])).decode([sealed])
    (resealed,) = await SealingCodec(Cipher([NEW, OLD])).encode([plain])
    assert resealed.metadata[KEY_ID].decode() == Cipher([NEW]).key_ids[0]


async def test_what_nobody_sealed_is_left_as_it_is() -> None:
    """Histories of an earlier release, and what people type into Temporal's UI."""
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')
    assert await SealingCodec(Cipher([NEW])).decode([plain]) == [plain]


async def test_what_is_damaged_is_not_opened() -> None:
    codec = SealingCodec(Cipher([NEW]))
    (sealed,) = await codec.encode([Payload(data=b"x" * 100)])
    for position in (0, 30, len(sealed.data) - 1):
        data = bytearray(sealed.data)
        data[position] ^= 1
        with pytest.raises(CipherKeyWrong, match="damaged"):
            await codec.decode([Payload(metadata=dict(sealed.metadata), data=bytes(data))])
