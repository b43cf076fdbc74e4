"""What goes to the host, and on which way."""

import subprocess

import pytest

from integrations.connector import CommandRequest, HostRefused
from integrations.supervisor import EXPORT_EACH, Mode, bound_command, invocation, supervisor_text
from tests.needs import need_program


def test_the_command_line_shows_neither_command_nor_variables() -> None:
    request = CommandRequest(attempt_id="a-1", command="echo hidden-command", variables={"token": "hidden-value"})
    start = invocation("start", "a-1", request=request)
    assert "hidden" not in start.command
    assert b"hidden-command" in start.payload
    assert b"hidden-value" in start.payload


def test_every_start_has_its_own_marker() -> None:
    assert invocation("check").marker != invocation("check").marker


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a=b", "é", "a\n", "UID", "BASH_ENV", "_", "x;id"])
def test_a_name_that_is_no_variable_is_refused(name: str) -> None:
    with pytest.raises(HostRefused, match="choose another name"):
        bound_command("true", {name: "value"})


def test_nul_is_refused_with_the_name_of_the_variable() -> None:
    with pytest.raises(HostRefused, match="the variable token contains a NUL byte"):
        bound_command("true", {"token": "a\0b"})
    with pytest.raises(HostRefused, match="the command contains a NUL byte"):
        bound_command("tr\0ue", {})


def test_a_lone_surrogate_is_refused_and_an_escaped_byte_is_not() -> None:
    with pytest.raises(HostRefused, match="lone surrogate"):
        bound_command("true", {"a": "\ud800"})
    assert b"a='\xff'" in bound_command("true", {"a": b"\xff".decode("utf-8", "surrogateescape")})


def test_what_no_program_could_be_given_is_not_exported() -> None:
    text = bound_command("true", {"small": "x", "big": "y" * (EXPORT_EACH + 1)})
    assert text.startswith(b"export small='x'\nbig='yyy")


@pytest.mark.parametrize("mode", ["start", "check"])
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_the_text_is_plain_ascii_and_every_shell_parses_it(shell: str, mode: Mode) -> None:
    program = need_program(shell, shell)
    command = [program, "ash", "-n"] if shell == "busybox" else [program, "-n"]
    done = subprocess.run(command, input=supervisor_text(mode).encode("ascii"), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
