"""What is run under faults: runbooks whose every command writes its name into a ledger on the host."""

from dataclasses import dataclass, field
from pathlib import Path

from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import TicketStatus

TITLE = "widget files are missing on web-01"
RUNBOOK = """
id: make-widgets
title: Make the missing widget files again
match: {{symptoms: ["widget files are missing"], services: [widgets]}}
risk: low
prechecks:
  - name: look
    run: echo look >> {ledger}
steps:
  - name: one
    run: echo one >> {ledger}; echo first-value; {one}
    register: first
    rollback: echo undo-one >> {ledger}; {undo_one}
  - name: two
    run: echo two >> {ledger}; {two}
    rollback: echo undo-two >> {ledger}
  - name: three
    run: echo three >> {ledger}; echo "$first" > {first}; {three}
    rollback: echo undo-three >> {ledger}
postchecks:
  - name: check
    run: echo check >> {ledger}
"""
FORWARD = ["look", "one", "two", "three", "check"]


def ledger(home: Path) -> list[str]:
    """Return what ran on a host, in order."""
    path = home / "ledger"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


@dataclass(frozen=True)
class Scenario:
    """One story: what is filed and done by people, and what must be true of the host at its end.

    `cancel_at`: a person cancels once this is in the ledger. `rollback`: a person undoes what succeeded.
    """

    name: str
    expected: list[str] = field(default_factory=lambda: list(FORWARD))
    status: TicketStatus = TicketStatus.RESOLVED
    execution_status: ExecutionStatus = ExecutionStatus.SUCCEEDED
    tickets: int = 1
    mode: str = "auto"
    cancel_at: str | None = None
    rollback: bool = False
    commands: dict[str, str] = field(default_factory=dict)

    def runbook(self, home: Path) -> str:
        parts = dict.fromkeys(("one", "two", "three", "undo_one"), "true") | self.commands
        return RUNBOOK.format(ledger=home / "ledger", first=home / "first", **parts)


SUCCESS = Scenario("success")
FAILURE = Scenario(
    "failing third step",
    ["look", "one", "two", "three", "undo-three", "undo-two", "undo-one"],
    TicketStatus.ESCALATED,
    ExecutionStatus.ROLLED_BACK,
    commands={"three": "exit 3"},
)
APPROVAL = Scenario("approval", mode="hil")
CANCEL = Scenario(
    "cancel in mid-command",
    ["look", "one", "two", "undo-two", "undo-one"],
    TicketStatus.CANCELLED,
    ExecutionStatus.ROLLED_BACK,
    cancel_at="two",
    commands={"two": "sleep 300 & sleep 300; echo two-went-on >> ledger"},
)
UNDO = Scenario(
    "rollback after success",
    [*FORWARD, "undo-three", "undo-two", "undo-one"],
    TicketStatus.ESCALATED,
    ExecutionStatus.ROLLED_BACK,
    rollback=True,
)
TWO = Scenario("two tickets, one host", FORWARD * 2, tickets=2)
SCENARIOS = [SUCCESS, FAILURE, APPROVAL, CANCEL, UNDO, TWO]
