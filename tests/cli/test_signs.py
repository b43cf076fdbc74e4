"""What came from outside reaches a terminal as text: nothing moves its cursor, turns its direction or hides."""

import ast
import io
import json
import logging
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from commands import output
from commands.api.describe import print_ticket
from commands.api.watch import line_of
from commands.output import out, table
from domain.text.signs import json_signs, signs
from log_setup import set_up_logging
from process.streams import write
from tests.e2e.running import ROOT

PRINTERS = {"print", "echo", "secho", "Console", "print_exc", "print_exception", "get_console", "print_stack"}
HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\rc\x9b31md\u202ee\u200bf\u2066g\x7fh\u2028i\udc9bj\U000e0041k"
SHOWN = "a␛]0;owned␇␛[2Jb␍c<U+009B>31md<U+202E>e<U+200B>f<U+2066>g␡h<U+2028>i<U+DC9B>j<U+E0041>k"
CHARACTERS = (chr(code) for code in range(0x110000) if code not in (9, 10))
NOT_SHOWN = [one for one in CHARACTERS if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_character_that_is_not_shown_gets_through() -> None:
    assert [one for one in NOT_SHOWN if signs(one) == one] == []
    assert [one for one in NOT_SHOWN if not json_signs(one).isascii()] == []


def test_what_shows_stays() -> None:
    text = "tab\there, newline\nhere, \u00e9 e\u0301 \u05d0\u05d1 \u0627\u0644 \u4e2d\u6587 \U0001f600 \u2603 ␛"
    assert signs(text) == text == json_signs(text)


def test_json_says_the_same() -> None:
    value = {"title": HOSTILE, HOSTILE: ["\U000e0041"]}
    assert json.loads(json_signs(json.dumps(value, ensure_ascii=False))) == value


def printed(*what: object, width: int = 400) -> str:
    terminal = Terminal()
    console = Console(file=terminal, force_terminal=True, color_system=None, width=width, markup=False, emoji=False)
    console.print(*what)
    return terminal.getvalue()


def test_whatever_rich_prints() -> None:
    event = {"created_at": "2026-01-01T00:00:00Z", "kind": "status_changed", "text": HOSTILE, "data": {}}
    made = [HOSTILE, Text(HOSTILE), Text.assemble(("x", "bold"), HOSTILE), table(["a"], [[HOSTILE]], title=HOSTILE)]
    for one in (*made, line_of(event)):
        said = printed(one)
        assert SHOWN in said
        assert signs(said) == said


def test_signs_are_measured_before_lines_are_folded() -> None:
    assert printed(table(["x"], [["\x1b" * 30]]), width=10).count("␛") == 30


def test_no_markup_and_no_emoji_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for console in (output.out, output.errors):
        terminal = Terminal()
        monkeypatch.setattr(console, "_file", terminal)  # undoing `file` would leave it what it is in this test
        console.print("[red]a[/] [link=https://x]b[/link] :bomb:")
        assert terminal.getvalue() == "[red]a[/] [link=https://x]b[/link] :bomb:\n"


def test_a_stream_of_a_host_on_a_terminal_and_in_a_file() -> None:
    terminal, file = Terminal(), io.StringIO()
    write(f"{HOSTILE}\n", terminal)
    write("raw\x1b[0m\r\udc9b\n", file)
    assert (terminal.getvalue(), file.getvalue()) == (f"{SHOWN}\n", "raw\x1b[0m\r?\n")


def test_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        set_up_logging("info")
        root.handlers[0].stream = terminal = Terminal()  # type: ignore[attr-defined]
        logging.getLogger("x").warning("host says %s", HOSTILE, extra={"title": HOSTILE})
    finally:
        root.handlers[:], root.level = before
    assert signs(terminal.getvalue()) == terminal.getvalue()
    assert SHOWN in terminal.getvalue()


def calls(path: Path) -> set[str]:
    """Return the names under which a file calls something that prints, `out.print` and `errors.print` left out."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__"):
            found.add(ast.unparse(node))
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.rpartition(".")[2] in PRINTERS and name not in ("out.print", "errors.print", "live.console.print"):
                found.add(name)
    return found


def found_in(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_no_command_prints_elsewhere() -> None:
    found = {path.name: calls(path) for path in (*found_in("commands"), *found_in("process"), ROOT / "cli.py")}
    allowed = {  # handed to `write`, which knows; or asked whether a person is there
        "output.py": {"sys.stdout", "Console"},
        "tickets.py": {"sys.stdout", "sys.stderr"},
        "runbooks.py": {"sys.stdout"},
        "leaving.py": {"sys.stdout", "sys.stderr"},
        "decisions.py": {"sys.stdout"},
    }
    assert {name: more for name, calls in found.items() if (more := calls - allowed.get(name, set()))} == {}
    for name in (
        "commands/api/tickets.py",
        "commands/api/runbooks.py",
        "process/leaving.py",
        "commands/api/decisions.py",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert ".stdout.write" not in text
        assert ".stderr.write" not in text


def test_no_text_from_outside_forges_a_line() -> None:
    """A title with line breaks is one line, wherever a field of a ticket has one."""
    forged = "calm\n  status   resolved  fixed\nExecution none"
    ticket = {
        "id": "t",
        "title": forged,
        "status": "open",
        "status_reason": forged,
        "severity": "low",
        "source": forged,
        "service": forged,
        "created_at": "2026-11-30T11:00:00Z",
        "executions": [],
    }
    with out.capture() as shown:
        print_ticket(ticket)
    assert not [line for line in shown.get().splitlines() if line.startswith(("  status   resolved", "Execution none"))]
    [row] = table(["title"], [(forged,)]).columns[0].cells
    assert "\n" not in str(row)
    assert "\n" not in line_of({"created_at": "2026-11-30T11:00:00Z", "kind": "note", "data": {}, "text": forged}).plain
