"""What `ticket show`, `ticket output` and `ticket note` say of a failure: what is left first, then what can be done."""

import subprocess
import sys
from typing import Any

import pytest

from commands.api.describe import print_ticket, queue_lines
from commands.api.tickets import need_begun
from commands.context import ROOT
from commands.failures import CommandFailed
from commands.output import out
from tests.patience import PATIENCE


def shown(*still_changed: dict[str, Any], lines: tuple[str, ...] = ()) -> list[str]:
    """Return what is printed of an escalated ticket whose execution has left this."""
    execution = {
        **dict.fromkeys(("id", "runbook_id", "status_reason"), "x"),
        "runbook_version": 1,
        "status": "rollback_failed",
        "still_changed": list(still_changed),
    }
    ticket = {
        **dict.fromkeys(("id", "severity", "source", "title"), "x"),
        "status": "escalated",
        "person_needed": "rollback_failed",
        "person_needed_since": "2026-11-30T11:00:00Z",
        "created_at": "2026-11-30T11:00:00Z",
        "executions": [execution | {"later": []}],
        "still_changed": list(lines),
    }
    with out.capture() as captured:
        print_ticket(ticket)
    return captured.get().splitlines()


def test_nothing_left_offers_a_note_alone() -> None:
    said = shown()
    assert said[0] == "No host is left changed."
    assert said[2].startswith("  take note of it: ./handrail ticket note")


@pytest.mark.parametrize(("was_tried", "words"), [(True, "  try the failed undo again: "), (False, "  undo it: ")])
def test_what_is_left_comes_first_and_only_what_was_tried_is_tried_again(was_tried: bool, words: str) -> None:
    said = shown({"can_undo": True, "was_tried": was_tried}, lines=("web-01 is still changed by step 1",))
    assert said[0] == "web-01 is still changed by step 1."
    assert said[2].startswith(words)
    assert said[3].startswith("  or take note of it: ")


@pytest.mark.parametrize("status", ["pending", "awaiting_approval", "not_run", "skipped"])
def test_a_step_that_has_not_begun_has_no_output(status: str) -> None:
    step = {"position": 2, "name": "Start it", "status": status, "rollback": {"status": "pending"}}
    with pytest.raises(CommandFailed, match=rf"step 2 'Start it' has not begun \({status}\)"):
        need_begun([step], 2, rollback=False)
    with pytest.raises(CommandFailed, match=r"the rollback of step 2 'Start it' has not begun \(pending\)"):
        need_begun([{**step, "status": "failed"}], 2, rollback=True)
    need_begun([{**step, "status": "running"}], 2, rollback=False)


def test_a_note_says_something() -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "ticket", "note", "latest", "-m", " "]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert "-m COMMENT" in done.stderr


def test_a_queue_calls_hosts_by_their_names() -> None:
    front = {"lease": "10.0.0.7:22", "host": "web-01", "ticket_id": "t", "is_held": True}
    front |= {"status": "executing", "since": "2026-11-30T11:00:00Z", "reason": "x"}
    queue = {"leases": ["10.0.0.7:22"], "hosts": ["web-01"], "in_front": [front], "ahead": 1, "behind": 0}
    [line] = queue_lines({**queue, "is_held": False})
    assert line.startswith("waits for web-01: ticket t holds it")
    [line] = queue_lines({**queue, "is_held": True, "ahead": 0, "in_front": [], "behind": 1})
    assert line.startswith("holds web-01")
