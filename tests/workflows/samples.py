"""A runbook whose every command writes its name into a ledger file, so that what ran is a fact, not our own row."""

from pathlib import Path

TEMPLATE = """
id: make-widgets
title: Make the missing widget files again
match: {{symptoms: ["widget files are missing"], services: [widgets]}}
risk: low
target: local
{more}
prechecks:
  - name: look
    run: echo precheck >> {ledger}{precheck}
steps:
  - name: make one
    run: echo one >> {ledger}; echo first-value{first_command}
    register: first
    rollback: echo undo-one >> {ledger}{undo_first}
    {first}
  - name: make two
    run: echo two >> {ledger}; test "$first" = first-value{second_command}
    rollback: {{run: 'echo "undo-two" >> {ledger}; test "$first" = first-value{undo_second}', retries: {undo_retries}}}
    {second}
postchecks:
  - name: check
    run: echo postcheck >> {ledger}{postcheck}
"""


def runbook(folder: Path, **parts: str) -> str:
    """Return the runbook, with commands (`precheck="; false"`) and fields (`second="approval: required"`) added."""
    names = ("more", "precheck", "first", "first_command", "undo_first", "second", "second_command", "undo_second")
    values = dict.fromkeys((*names, "postcheck"), "") | {"undo_retries": "0"} | parts
    return TEMPLATE.format(ledger=folder / "ledger", **values)


def ledger(folder: Path) -> list[str]:
    """Return what ran, in order."""
    path = folder / "ledger"
    return path.read_text(encoding="utf-8").split() if path.exists() else []
