"""Decisions that are signed by Handrail and sent with Temporal's own CLI."""

import shlex
import subprocess

import pytest

from temporal_client import venv_program
from tests.cli.waiting import status, waiting
from tests.e2e.running import Running, until
from tests.patience import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def send_by_hand(handrail: Running, line: str) -> subprocess.CompletedProcess[str]:
    """Run a printed command line of Temporal's CLI, as somebody does who pastes it and has set up nothing."""
    environment = {name: value for name, value in handrail.environment.items() if not name.startswith("TEMPORAL_")}
    words = shlex.split(line)
    command = [venv_program(words[0]), *words[1:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_whoever_works_in_temporals_own_cli_sends_what_they_signed(handrail: Running) -> None:
    ticket_id = str(waiting(handrail, "web-02")["id"])
    signed = handrail.cli("ticket", "sign", ticket_id, "--reject", "--comment", "it's not \u202e now")
    assert signed.returncode == 0, signed.stderr
    assert status(handrail, ticket_id) == "awaiting_approval"
    assert signed.stdout.isascii()
    assert handrail.get(f"/tickets/demo/tickets/{ticket_id}")["temporal_url"] is None  # it runs without that UI

    by_hand = send_by_hand(handrail, signed.stdout.replace("reject", "approve", 1))
    assert by_hand.returncode == 0, by_hand.stderr
    until(lambda: "not signed by Handrail" in story(handrail, ticket_id), lambda: story(handrail, ticket_id))
    assert status(handrail, ticket_id) == "awaiting_approval"

    by_hand = send_by_hand(handrail, signed.stdout)
    assert by_hand.returncode == 0, by_hand.stderr
    until(lambda: status(handrail, ticket_id) == "rejected", lambda: story(handrail, ticket_id))
    assert "operator said reject" in story(handrail, ticket_id)


def test_a_cancel_is_signed_too(handrail: Running) -> None:
    ticket_id = str(waiting(handrail, "web-02")["id"])
    signed = handrail.cli("ticket", "sign", ticket_id, "--cancel")
    assert signed.returncode == 0, signed.stderr
    by_hand = send_by_hand(handrail, signed.stdout)
    assert by_hand.returncode == 0, by_hand.stderr
    until(lambda: status(handrail, ticket_id) == "cancelled", lambda: story(handrail, ticket_id))


def story(handrail: Running, ticket_id: str) -> str:
    events = handrail.get(f"/tickets/demo/tickets/{ticket_id}/timeline")["items"]
    return "\n".join(event["text"] for event in events)
