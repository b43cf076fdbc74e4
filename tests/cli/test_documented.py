"""docs/cli.md names every command and option there is, and none that there is not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli import app
from domain.connectors import CONNECTORS

PAGE = (Path(__file__).resolve().parents[2] / "docs/cli.md").read_text(encoding="utf-8")
SELF_EXPLAINING = {"--help", "--json", "--comment", "--host", "--port", "--username", "--connector", "--kind"} | {
    *("--credential", "--host-key", "--alias", "--tag", "--replace", "--file", "--demo"),
    *(f"--{name.replace('_', '-')}" for kind in CONNECTORS.values() for name in kind.own_fields),  # in own-hosts.md
}


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


def test_every_command_and_option_is_on_the_page() -> None:
    for name, command in commands(typer.main.get_command(app)):
        assert f"`{name}" in PAGE, name
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option not in SELF_EXPLAINING:
                    assert re.search(rf"[` ]{option}\b", PAGE), f"{name} {option}"


def test_every_command_on_the_page_exists() -> None:
    known = {name for name, _ in commands(typer.main.get_command(app))}
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    documented = {
        " ".join(word for word in re.split(r"[ ]", code) if re.fullmatch(r"[a-z]+", word))
        for row in rows
        for code in re.findall(r"`([a-z][^`]*)`", row)
    }
    documented = {name.removesuffix(" ran") for name in documented}
    assert documented == known
