"""Every status has its word and its colour on every screen: a new member of an enum is not shown by default."""

import ast
import re
from enum import StrEnum
from pathlib import Path

import pytest

from api.pages.approvals import GROUPS
from api.pages.words import CLASSES, WORDS, tone
from commands.output import COLOURS, colour
from domain.case.links import LinkState
from domain.ending import SENTENCES, EndCause
from domain.executions.execution import STEP_STAGES, ExecutionStatus, StepStatus
from domain.matching.outcomes import WHEN_UNDONE
from domain.runbooks.runbook import Risk
from domain.tenant import ExecutionMode
from domain.tickets.inbox import why_a_person
from domain.tickets.ticket import Classification, PersonNeeded, Severity, TicketStatus
from domain.tones import TONES, Tone
from services.overview import OUTCOME_OF

ROOT = Path(__file__).resolve().parent.parent
STATUSES = (TicketStatus, ExecutionStatus, StepStatus)
TONED = (*STATUSES, Severity, Risk, Classification, LinkState)


@pytest.mark.parametrize(
    ("named", "enums"),
    [
        (TONES, TONED),
        (WORDS, (*STATUSES, Severity, Risk, Classification, PersonNeeded, ExecutionMode)),
        (COLOURS, (Tone,)),
        (CLASSES, (Tone,)),
        (OUTCOME_OF, (TicketStatus,)),
        ([one for _, kinds in GROUPS for one in kinds], (PersonNeeded,)),
        (WHEN_UNDONE, (EndCause,)),
        (STEP_STAGES, (StepStatus,)),
        (SENTENCES, (EndCause,)),
    ],
    ids=[
        "tones",
        "words",
        "the terminal's colours",
        "the page's classes",
        "outcomes of tickets",
        "groups of the inbox",
        "what endings mean",
        "stages of steps",
        "sentences of endings",
    ],
)
def test_every_member_is_there(named: object, enums: tuple[type[StrEnum], ...]) -> None:
    assert isinstance(named, dict | list)
    missing = {member.value for enum in enums for member in enum} - set(named)
    assert not missing


def test_colours_stand_once() -> None:
    """Page and terminal derive theirs from the same tone, and a tone is given to nothing that is no more."""
    assert set(TONES) == {member.value for enum in TONED for member in enum}
    rules = (ROOT / "api" / "static" / "handrail.css").read_text()
    assert all(re.search(rf"\.{one}\b", rules) for one in CLASSES.values())
    colours = "|".join({*CLASSES.values(), *COLOURS.values()} - {""})
    tables = [path for part in ("api", "commands") for path in (ROOT / part).rglob("*.py")]
    again = re.compile(rf'["\w](?:{"|".join(TONES)})"?: "(?:{colours})"', re.IGNORECASE)
    assert not [path.name for path in tables if again.search(path.read_text())]


def test_a_ticket_waits_has_ended_or_is_under_way() -> None:
    """Exactly one of the three; and what waits is what the inbox has, on every screen."""
    for status in TicketStatus:
        assert [status.waits_for_a_person, status.is_settled, status.is_under_way].count(True) == 1
        assert (why_a_person(status, []) is not None) is status.waits_for_a_person


def test_a_step_that_went_wrong_is_red_on_every_screen() -> None:
    """And nothing else is: colours follow from what the statuses come down to."""
    for status in StepStatus:
        assert (tone(status) == "bad") is (colour(status) == "red") is status.went_wrong


VALUES = {member.value for enum in STATUSES for member in enum}
IN_TEMPLATES = re.compile(
    r"""status(?:\.value)?\s*(?:[!=]=|(?:not )?in)\s*[("']|status\.value",\s*"(?:in|equalto)",\s*[\["]"""
)


def compared_with_words(text: str) -> list[int]:
    """Return the lines where something is compared with a status that is written out."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Compare)
        for one in (node.left, *node.comparators)
        for part in (one.elts if isinstance(one, ast.Tuple | ast.List | ast.Set) else [one])
        if isinstance(part, ast.Constant) and part.value in VALUES
        if re.search("status|result", ast.unparse(node))
    ]


def test_no_screen_compares_with_a_status_written_out() -> None:
    """A new member of an enum is asked for by its sets, so each screen knows it; a misspelt one is an error."""
    ours = [path for part in ("api", "commands", "services") for path in (ROOT / part).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): lines for path in ours if (lines := compared_with_words(path.read_text()))}
    templates = (ROOT / "api" / "templates").rglob("*.html")
    found |= {path.name: [0] for path in templates if IN_TEMPLATES.search(path.read_text())}
    assert not found
    assert compared_with_words("ticket['status'] in ('failed', 'x') or step.status == 'failed'") == [1, 1]
    assert compared_with_words("step.get('result') == 'failed'") == [1]
    assert IN_TEMPLATES.search('step.status.value == "running"')
    assert IN_TEMPLATES.search('rejectattr("status.value", "in", ["pending"])')


def test_a_host_s_address_is_put_into_words_by_its_connector_alone() -> None:
    paths = [path for part in ("domain", "api", "commands", "services") for path in (ROOT / part).rglob("*.*")]
    texts = {path: path.read_text() for path in paths if path.suffix in (".py", ".html")}
    spelt = {path for path, text in texts.items() if re.search(r"username[^@\n]{0,14}@", text)}
    assert {path.relative_to(ROOT).parent.as_posix() for path in spelt} == {"domain/connectors"}


ENDS = {"Failed", "Stopped", "_end", "_end_execution", "end", "set_execution_status"}


def ends_with_words_of_its_own(text: str) -> list[int]:
    """Return the lines where something ends with a sentence that is written out beside its ending."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ENDS
        and any(isinstance(one, ast.JoinedStr | ast.Constant) for one in node.args)
    ]


def test_the_sentence_of_an_ending_is_made_from_it() -> None:
    ours = [path for part in ("workflows", "services", "reconciler") for path in (ROOT / part).rglob("*.py")]
    found = {path.name: lines for path in ours if (lines := ends_with_words_of_its_own(path.read_text()))}
    assert not found
    assert ends_with_words_of_its_own("raise Failed(f'{who} rejected it', rejected)") == [1]
