"""Where commands print, and nowhere else: text for people, JSON for programs.

Nothing from outside reaches a terminal but as text: no control characters, no markup.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import rich.text
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.text.signs import json_signs, one_line, signs
from domain.tones import TONES, Tone

WIDTH_OF_FILES = 140

# Every text that Rich shows passes here before it is measured and folded. Its own rule lets escapes through.
rich.text.__dict__["strip_control_codes"] = signs


def _console(*, stderr: bool = False) -> Console:
    """A console that does not squeeze its lines when they go to a file or a pipe."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_OF_FILES
    return console


out = _console()
errors = _console(stderr=True)

COLOURS = {
    Tone.GOOD: "green",
    Tone.OVER: "green",
    Tone.QUIET: "",
    Tone.PLAIN: "",
    Tone.NEXT: "",
    Tone.BUSY: "cyan",
    Tone.WAIT: "yellow",
    Tone.DOUBT: "yellow",
    Tone.WARN: "magenta",
    Tone.BAD: "red",
}


def print_json(value: Any) -> None:
    """Print one JSON document and nothing else, never coloured or wrapped."""
    sys.stdout.write(json_signs(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def print_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, at once."""
    sys.stdout.write(json_signs(json.dumps(value, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def coloured(word: str | None) -> Text:
    """Return a status in its colour."""
    return Text(word or "-", style=colour(word or ""))


def colour(word: str) -> str:
    """Return the colour of a status or a link's state; one that only a newer server knows has none."""
    return COLOURS[TONES.get(word, Tone.PLAIN)]


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> Table:
    """Return a table; cells are text, never markup."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(
            *(cell if isinstance(cell, Text) else Text("-" if cell is None else one_line(str(cell))) for cell in row)
        )
    return made


def time_of(text: str | None) -> str:
    """Return an RFC 3339 time to the second."""
    return text[:19].replace("T", " ") if text else "-"
