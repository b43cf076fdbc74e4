"""A runbook's commands and rollbacks have to parse, when it is checked and when it is stored."""

import asyncio
import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from domain.runbooks.text import parse_runbook
from services import shell_syntax
from services.shell_syntax import check_shell
from tests.api.caller import TENANT, Caller
from tests.api.test_problems import assert_problem

PATH = f"/runbooks/{TENANT}"
BOOK = """id: copy-files
title: Copy the files again
risk: low
prechecks:
  - name: Look first
    run: {precheck}
steps:
  - name: Copy them
    run: |
      mkdir -p copies
      {step}
    rollback:
      run: |
        echo one
        {rollback}
postchecks:
  - name: They are there
    run: {postcheck}
"""
GOOD = {"precheck": "test -e x", "step": "cp x copies", "rollback": "rm copies/x", "postcheck": "ls copies"}
BROKEN = {
    "a test without its end": "if test -e x; then rm x",
    "a loop without its end": "for f in a b; do echo $f",
    "a quote without its end": "echo 'one",
    "a substitution without its end": "echo $(date",
    "an end too many": "fi",
    "a redirection to nowhere": "echo one >",
}
FIELDS = {
    "precheck": ("prechecks[0].run", "Look first", 6),
    "step": ("steps[0].run", "Copy them", 11),
    "rollback": ("steps[0].rollback.run", "Copy them", 15),
    "postcheck": ("postchecks[0].run", "They are there", 18),
}


def book(**parts: str) -> str:
    quoted = {name: f'"{text}"' if name in ("precheck", "postcheck") else text for name, text in (GOOD | parts).items()}
    return BOOK.format(**quoted)


@pytest.mark.parametrize("command", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize("where", FIELDS)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/validate", f"{PATH}/copy-files"])
async def test_what_does_not_parse_is_not_taken(lone_caller: Caller, path: str, where: str, command: str) -> None:
    problem = assert_problem(await lone_caller.post(path, book(**{where: command})), 422)
    field, step, line = FIELDS[where]
    [found] = problem["problems"]
    assert found["field"] == field
    assert abs(found["line"] - line) <= 1, found
    assert f"of '{step}' does not parse; `sh -n` says: " in found["message"]
    assert not found["message"].endswith("says: ")
    assert (await lone_caller.get(PATH)).json()["items"] == []


async def test_what_parses_is_taken_and_nothing_of_it_runs(lone_caller: Caller, tmp_path: Path) -> None:
    text = book(step=f"touch {tmp_path}/ran; $(touch {tmp_path}/ran)")
    answer = await lone_caller.post(f"{PATH}/validate", text)
    assert (answer.status_code, answer.json()["unchecked"]) == (200, "")
    assert (await lone_caller.post(PATH, text)).status_code == 201
    assert not (tmp_path / "ran").exists()


async def test_every_command_that_does_not_parse_is_named(lone_caller: Caller) -> None:
    text = book(**dict.fromkeys(GOOD, "if true"))
    problem = assert_problem(await lone_caller.post(PATH, text), 422)
    assert [each["field"] for each in problem["problems"]] == [field for field, _, _ in FIELDS.values()]


async def test_what_is_not_for_a_shell_is_let_alone(lone_caller: Caller) -> None:
    text = book().replace("    rollback:\n", "    supervise: false\n    rollback:\n")
    text = text.replace("cp x copies", "interface (1/0/7 disable").replace("rm copies/x", "interface (1/0/7 enable")
    assert (await lone_caller.post(PATH, text)).status_code == 201


async def test_a_missing_sh_is_said(lone_caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = await lone_caller.post(f"{PATH}/validate", book(rollback="if true"))
    assert (answer.status_code, answer.json()["valid"]) == (200, True)
    assert "no `sh`" in answer.json()["unchecked"]


async def test_a_sh_that_hangs_holds_nobody_up(
    lone_caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker = f"hangs-{tmp_path.name}-{os.getpid()}"
    (tmp_path / "sh").write_text(f"#!/bin/sh\nexec sleep 1000 # {marker}\n")
    (tmp_path / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(shell_syntax, "SECONDS", 1)
    checking = asyncio.create_task(lone_caller.post(f"{PATH}/validate", book()))
    while not checking.done():  # the loop goes on meanwhile
        assert (await lone_caller.get(PATH)).status_code == 200
    answer = await checking
    assert answer.status_code == 200
    assert "within 1 seconds" in answer.json()["unchecked"]
    assert not [each for each in psutil.Process().children() if str(tmp_path) in " ".join(each.cmdline())]


async def test_the_number_of_processes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_syntax, "MOST_COMMANDS", 3)
    text = book(postcheck="if true")
    found = await check_shell(parse_runbook(text), text)
    assert (found.problems, found.unchecked) == ([], "only the first 3 different commands were read by `sh -n`")
