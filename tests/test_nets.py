"""What the rules of `test_layout.py` are for would be seen: each way around them that somebody found."""

from pathlib import Path

import pytest

from tests.doors import questions_to_db, statements_in
from tests.imports import ROOT, imports_by_name, names_reached
from tests.rows import row_givers, seen_of_rows
from tests.screens import sentences_read_by, sentences_read_in
from tests.sentences import sentences_read_back


@pytest.mark.parametrize(
    "text",
    [
        "import api.routes.tickets",
        "from api.routes import tickets",
        "from api.routes.tickets import get_ticket",
        "from api import routes",
        "from .. import routes",
        "from ..routes import tickets",
        "import api\napi.routes.tickets.get_ticket()",
        "import api.pages as pages, api as ours\nours.routes.tickets.get_ticket()",
    ],
)
def test_an_import_is_seen_however_it_is_written(text: str) -> None:
    assert any(f"{name}.".startswith("api.routes.") for name in names_reached(text, ("api", "pages")))


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import import_module\nimport_module('fastapi')",
        "import importlib\n\nimportlib.import_module('fastapi')",
        "import sys\nsys.modules['fastapi']",
        "\n__import__('fastapi')",
        "\nexec('import fastapi')",
    ],
)
def test_an_import_by_name_is_seen(text: str) -> None:
    assert imports_by_name(text) == [text.count("\n") + 1]


@pytest.mark.parametrize(
    "text",
    [
        "from db.tables import TicketRow",
        "from db import tables",
        "import db.tables",
        "import db.tables as t",
        "from db.lists import TicketRow",
        "from db.tables.in_and_out import NoticeRow",
        "from db.sources import SourceRow",
        "import db\ndb.tables.TicketRow",
        "from db import tickets\ntickets.TicketRow",
        "from db.tickets import TicketRow as Ticket",
        "def load() -> 'tables.TicketRow': ...",
        "def load(one: 'list[TicketRow]') -> None: ...",
        "from sqlalchemy import select",
        "import sqlalchemy as sa\nsa.select()",
    ],
)
def test_a_row_outside_db_is_seen(text: str) -> None:
    assert seen_of_rows(text)
    assert not seen_of_rows("from sqlalchemy.exc import DBAPIError\nfrom sqlalchemy.ext.asyncio import AsyncSession")


@pytest.mark.parametrize(
    "text",
    [
        "def load() -> TicketRow: ...",
        "def load() -> tables.TicketRow: ...",
        "def load() -> 'TicketRow': ...",
        "async def load() -> 'Sequence[tables.TicketRow] | None': ...",
        "async def load() -> dict[str, list[tables.TicketRow]]: ...",
        "from db.tables import TicketRow as Ticket\ndef load() -> Ticket: ...",
        "Found = tuple[TicketRow, int]\ndef load() -> Found: ...",
        "One = TypeVar('One', bound=TicketRow)\ndef load(kind: type[One]) -> One: ...",
        "class Tickets:\n    def load(self) -> TicketRow: ...",
        "class Found:\n    row: TicketRow",
    ],
)
def test_a_row_handed_out_is_seen(text: str) -> None:
    assert row_givers(text)
    assert not row_givers("def load(row: TicketRow) -> Ticket: ...\ndef _row() -> TicketRow: ...")


def test_a_question_to_the_database_is_seen() -> None:
    assert questions_to_db(ROOT / "services" / "inbox.py")


def test_a_long_door_is_seen_behind_its_helper(tmp_path: Path) -> None:
    door = tmp_path / "door.py"
    door.write_text(
        "@router.get('/')\nasync def get():\n    return _get()\n\n\ndef _get():\n    '''Do.'''\n" + "    a = 1\n" * 12
    )
    assert statements_in(door) == {"get": 1, "_get": 12}


@pytest.mark.parametrize(
    "text",
    [
        "one.status_reason.startswith(REPLACED)",
        "ASKED in ending.reason",
        "ticket['status_reason'] != reason",
        "answer.get('detail') == 'gone'",
        "re.search('failed', step.detail)",
        "record.reason.lower() == 'lost'",
        "'has no' in str(problem.get('detail'))",
        "one.reason[:9] == 'replaced:'",
        "one.reason.split(':')[0]",
        "(one.reason or '') == 'lost'",
        "f'{one.reason}.' in KNOWN",
        "getattr(one, 'detail') == 'lost'",
        "FATES[one.reason]",
        "FATES.get(one.status_reason)",
        "PATTERN.found_in(step.detail)",
        "select(Row).where(Row.status_reason.like('replaced:%'))",
        "'lost' in failure.message",
        "operator.eq(one.reason, 'lost')",
        "one.reason.splitlines()[0] == 'lost'",
        "one.reason.title() == 'Lost'",
        "'%s' % one.reason == 'lost'",
        "'{}'.format(one.reason) == 'lost'",
        "KNOWN.index(one.reason)",
        "set(one.reasons) & KNOWN",
        "KNOWN.isdisjoint(one.reasons)",
        "EndCause(one.reason)",
        "(one.reason, one.step) == ('lost', 1)",
        "[one for one in KNOWN if one in ended.reason]",
        "any(map(one.reason.__contains__, KNOWN))",
        "filter(attrgetter('reason'), found)",
        "json.loads(one.detail)",
        "re.search(pattern=FAILED, string=one.detail)",
        "select(Row).filter_by(status_reason='lost')",
        "select(Row).where(Row.status_reason.op('~')('lost'))",
        "select(Row).where(Row.status_reason.in_(KNOWN))",
        "select(Row).where(func.lower(Row.status_reason) == 'lost')",
        "text('SELECT 1 FROM ticket WHERE status_reason LIKE :begin')",
    ],
)
def test_a_sentence_read_back_is_seen(text: str) -> None:
    assert sentences_read_back(text) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "said = one.reason\nlowered = said.lower()\nif lowered == 'lost': pass",
        "def is_lost(reason: str) -> bool:\n    return True if (\n        reason == 'lost') else False",
        "if said := one.detail:\n    pass\nKNOWN[said]",
        "try:\n    pass\nexcept E as error: 'gone' in str(error)",
        "try: pass\nexcept E as error:\n    error.args[0] == 'gone'",
        "\n\nmatch one.reason:\n    case 'lost': pass",
        "\n\nany('lost' in one for one in found.reasons)",
        "\nsaid, at = one.reason, one.at\nsaid == 'lost'",
        "\nfor at, said in enumerate(one.reasons):\n    said == 'lost'",
        "class A:\n    def f(self, one): self.said = one.reason\n    def g(self): return self.said == 'lost'",
        "def is_lost(one): return _is(one.reason)\ndef _is(said):\n    return said == 'lost'",
        "def is_lost(one): return _is(one, said=one.reason)\ndef _is(one, said):\n    return said == 'lost'",
        "def is_lost(one):\n    said = one.reason\n    return (lambda: said == 'lost')()",
        "\nmatch one:\n    case Execution(status_reason='lost'): pass",
        "\nmatch answer:\n    case {'detail': 'gone'}: pass",
    ],
)
def test_a_sentence_is_one_wherever_it_was_put(text: str) -> None:
    assert sentences_read_back(text) == [3]


@pytest.mark.parametrize(
    "text",
    [
        "{% if ticket.status_reason == 'lost' %}{% endif %}",
        "{% if 'lost' in one.detail %}{% endif %}",
        "{% if one.reason|lower in ['lost'] %}{% endif %}",
        "{% if one.reason.startswith('lost') %}{% endif %}",
        "{{ found|selectattr('status_reason', 'equalto', 'lost')|list }}",
        "{% if ticket['status_reason'] == 'lost' %}{% endif %}",
        "{% if ticket|attr('status_reason') == 'lost' %}{% endif %}",
        "{% set r = one.reason %}{% if r == 'lost' %}{% endif %}",
        "{% with r = one.reason|lower %}{% if r == 'lost' %}{% endif %}{% endwith %}",
        "{% for r in one.reasons %}{% if r == 'lost' %}{% endif %}{% endfor %}",
        "{% if one.reason is in ['lost'] %}{% endif %}",
        "{% if one.reason is eq 'lost' %}{% endif %}",
        "{{ {'lost': 'bad'}[one.reason] }}",
        "{{ TONES.get(one.reason) }}",
        "{% for said, all in found|groupby('status_reason') %}{% endfor %}",
        "<script>if (problem.detail.includes('lost')) { }</script>",
    ],
)
def test_a_sentence_read_on_a_screen_is_seen(text: str) -> None:
    assert sentences_read_in(text) == [1]
    assert not sentences_read_in("{% for one in plan.reasons %}{{ one.reason }}{% endfor %}")


@pytest.mark.parametrize(
    "text",
    [
        "if (problem.detail.includes('lost')) { }",
        "if (problem?.detail?.toLowerCase() === 'lost') { }",
        "if ('lost' === problem['detail']) { }",
        "switch (one.reason) { }",
        "const r = x.reason; if (r === 'lost') { }",
        "const { reason: r, status } = x; if (r === 'lost') { }",
        "if (/lost/.test(x.reason)) { }",
        "if (KNOWN.has(x.reason)) { }",
        "tone = TONES[x.reason];",
    ],
)
def test_a_sentence_read_by_a_script_is_seen(text: str) -> None:
    assert sentences_read_by(text) == [1]
    assert not sentences_read_by(
        "words = JSON.parse(answer).detail; if (words !== '') show(words); event.detail.target === one"
    )
