"""Tickets that wait through a deploy: every committed history must replay on today's workflow."""

import base64
import json
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from payload_codec import sealing_converter
from tests.temporal_server import CIPHER
from workflows.answers import AnswerGuard
from workflows.names import BARE_SIGNALS, Change, SignalName
from workflows.signal_guard import SignalGuard
from workflows.ticket import TicketWorkflow

GUARDS = [SignalGuard(), AnswerGuard()]
HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 7


def signed_signals(path: Path) -> set[str]:
    """Return the signals of a history that carry the API's signature."""
    found = set()
    for event in json.loads(path.read_text(encoding="utf-8"))["events"]:
        if signal := event.get("workflowExecutionSignaledEventAttributes"):
            message = json.loads(base64.b64decode(signal["input"]["payloads"][0]["data"]))
            if (message.get("signature") or {}).get("value"):
                found.add(signal["signalName"])
    return found


def test_there_are_histories_of_every_signed_signal() -> None:
    """A ticket that waits through a deploy was spoken to with signatures."""
    signed = set().union(*(signed_signals(path) for path in HISTORIES))
    assert signed == {name.value for name in SignalName} - BARE_SIGNALS


def marks(path: Path) -> set[str]:
    """Return the changes that a history was recorded with, without the numbers behind them."""
    found = set()
    for event in json.loads(path.read_text(encoding="utf-8"))["events"]:
        details = event.get("markerRecordedEventAttributes", {}).get("details", {})
        for payload in details.get("patch-data", {}).get("payloads", []):
            found.add(re.sub(r"-\d+$", "", json.loads(base64.b64decode(payload["data"]))["id"]))
    return found


def test_there_is_a_history_of_the_way_after_every_change() -> None:
    """Tickets that wait through a deploy went the newest way as well as the ones before."""
    assert set().union(*(marks(path) for path in HISTORIES)) == {name.value for name in Change}


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_committed_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(f"ticket:demo:{path.stem}", path.read_text(encoding="utf-8"))
    replayer = Replayer(workflows=[TicketWorkflow], interceptors=GUARDS, data_converter=sealing_converter(CIPHER))
    await replayer.replay_workflow(history)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_history_of_another_story_does_not_replay(path: Path) -> None:
    """The replay can fail: a history whose first activity has another name is noticed."""
    document = json.loads(path.read_text(encoding="utf-8"))
    scheduled = [event for event in document["events"] if "activityTaskScheduledEventAttributes" in event]
    scheduled[0]["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "something_else"
    history = WorkflowHistory.from_json(f"ticket:demo:{path.stem}", json.dumps(document))
    replayer = Replayer(workflows=[TicketWorkflow], interceptors=GUARDS, data_converter=sealing_converter(CIPHER))
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is not None
