"""What the documentation promises to be complete about is complete, and its links and samples hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from cli import app
from domain.connectors import CONNECTORS
from domain.ending import EndCause
from domain.executions.execution import ExecutionStatus, StepStatus
from domain.runbooks.runbook import LONGEST_COMMAND, Ask, Expect, InputSpec, MatchHints, Retry, Rollback, Runbook, Step
from domain.runbooks.text import parse_runbook
from domain.tenant import TENANT_SETTINGS, TenantSettings
from domain.tickets.ticket import TicketStatus
from integrations.supervisor import supervisor_text
from settings import Settings
from tests.models import models_of, names_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SECTIONS: dict[str, type[BaseModel]] = {
    "## The runbook": Runbook,
    "## match": MatchHints,
    "## An input": InputSpec,
    "## A step": Step,
    "### rollback": Rollback,
    "### retries and retry": Retry,
    "### expect": Expect,
    "### ask": Ask,
}


def read(name: str) -> str:
    path = DOCS / name
    assert path.exists(), f"docs/{name} is missing"
    return path.read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """Everything in backquotes in the first column of the text's tables."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def section(text: str, heading: str) -> str:
    """The lines from a heading to the next one."""
    found = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {heading!r}"
    return found[1]


def test_every_setting_is_documented() -> None:
    settings = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in first_cells(read("settings.md")) if name.startswith("HANDRAIL_")} == settings


def test_defaults_of_settings_are_the_real_ones() -> None:
    text = read("settings.md")
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int):
            assert f"| `HANDRAIL_{name.upper()}` | `{field.default}` |" in text


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_field_of_a_runbook_is_documented(heading: str) -> None:
    assert first_cells(section(read("runbooks.md"), heading)) == names_of(SECTIONS[heading])


def test_every_part_of_a_runbook_has_its_section() -> None:
    assert set(SECTIONS.values()) == models_of(Runbook)


def test_the_fields_of_a_check_are_those_it_takes() -> None:
    said = re.search(r"Checks only look: they take (.*?)\. ", read("runbooks.md"), re.DOTALL)
    assert said is not None
    refused = {"ask", "rollback", "no_rollback", "rollback_scope", "approval", "on_failure", "retries"}
    assert set(re.findall(r"`(\w+)`", said[1])) == names_of(Step) - refused


def commands(found: typer.Typer, prefix: str = "") -> Iterator[str]:
    for command in found.registered_commands:
        assert command.callback is not None
        yield f"{prefix}{command.name or command.callback.__name__.rstrip('_').replace('_', '-')}"
    for group in found.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{prefix}{group.name} ")


def test_the_longest_command_is_documented() -> None:
    assert f"at most {LONGEST_COMMAND:,} characters" in (DOCS / "runbooks.md").read_text()


def test_what_a_host_needs_is_documented() -> None:
    tools = re.search(r"for hr_f in ([a-z ]+); do", supervisor_text("check"))
    assert tools is not None
    assert f"`{tools.group(1)}`" in (DOCS / "own-hosts.md").read_text()


def test_every_command_is_documented() -> None:
    names = set(commands(app))
    assert {"up", "ticket list", "runbook validate", "connection test"} <= names
    text = re.sub(r"\s+", " ", read("cli.md"))
    assert {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)} == set()


WORDS_OF = {
    "Ticket status": TicketStatus,
    "Execution status": ExecutionStatus,
    "Step status": StepStatus,
    "Why an execution or a ticket ended": EndCause,
}


@pytest.mark.parametrize("begins", WORDS_OF)
def test_the_contract_has_every_status_and_cause(begins: str) -> None:
    said = re.search(rf"^{begins}.*?\n\n", read("design.md"), re.MULTILINE | re.DOTALL)
    assert said is not None
    assert {one.value for one in WORDS_OF[begins]} - set(re.findall(r"`(\w+)`", said[0])) == set()


def options(command: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield each command with its options, a switch by how it is turned off."""
    for part, inner in getattr(command, "commands", {}).items():
        yield from options(inner, f"{name} {part}".strip())
    if not hasattr(command, "commands"):
        texts = [(one.secondary_opts or one.opts) for one in command.params]
        yield name, {text for names in texts for text in names if text.startswith("--")}


EVERYWHERE = {"--help", "--json", "--comment", "--yes"}
"""Options that a sentence on the page tells of for all commands."""


def test_every_option_stands_in_the_row_of_its_command() -> None:
    """And none that there is not."""
    of_connectors = {f"--{name.replace('_', '-')}" for kind in CONNECTORS.values() for name in kind.own_fields}
    ours = {name: texts - EVERYWHERE - of_connectors for name, texts in options(typer.main.get_command(app))}
    told: dict[str, set[str]] = {}
    text = read("cli.md")
    for row in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
        first = row.partition(" | ")[0]
        fits = [name for name in ours if re.search(rf"`{name}(?![\w-])", first)]
        known = set().union(*(ours[name] for name in fits))
        told |= dict.fromkeys(fits, set(re.findall(r"--[a-z-]+", row)) - EVERYWHERE)
        assert not told[fits[0]] - known, row
    assert {name: missing for name in ours if (missing := ours[name] - told.get(name, set()))} == {}
    assert all(f"`{one}`" in text for one in EVERYWHERE)


def test_settings_of_a_tenant_are_as_the_page_says() -> None:
    text = read("settings.md")
    new = TenantSettings.for_new("team")
    for one in TENANT_SETTINGS:
        option = f"`{one.option}`" if one.about.is_of_mode else "only the page"
        option = "`mode auto`" if one.name == "mode" else option
        assert f"| `{one.name}` | {one.words(one.of(new))} | {option} | {one.help} |" in text


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} is nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def samples() -> list[tuple[str, str]]:
    """Every whole runbook shown in the documentation."""
    found = [
        (f"{page.relative_to(ROOT)}-{number}", block)
        for page in PAGES
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    ]
    return [(name, block) for name, block in found if block.startswith("id:")]


def test_there_are_samples() -> None:
    assert len(samples()) >= 2


@pytest.mark.parametrize("text", [pytest.param(block, id=name) for name, block in samples()])
def test_samples_are_valid_runbooks(text: str) -> None:
    parse_runbook(text)


def test_decisions_are_numbered_and_listed() -> None:
    names = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    index = read("decisions/README.md")
    for name in names:
        assert (DOCS / "decisions" / name).read_text(encoding="utf-8").startswith(f"# {int(name[:4])}. ")
        assert f"]({name})" in index
