"""The house's rules: who may import whom, and that our top-level names are really ours."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.doors import door_files, questions_to_db, statements_of_doors
from tests.rows import row_givers, rows_seen_in
from tests.sentences import sentences_read_back, sentences_read_in

ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "matching": {"domain"},
    "db": {"domain"},
    "integrations": {"domain"},
    "services": {"domain", "matching", "db"},
    "activities": {"domain", "db", "integrations", "services"},
    "workflows": {"domain", "activities"},
    "reconciler": {"domain", "db", "workflows"},
    "api": {"domain", "db", "services", "workflows"},
    "process": {"domain", "settings"},
}
NAMES = {"workflows.names": {"activities"}}
"""Modules of bare names, and who else may import them."""
OURS = {
    *MAY_IMPORT,
    "lab",
    "bench",
    "settings",
    "settings_checks",
    "temporal_client",
    "payload_codec",
    "worker",
    "cli",
    "commands",
    "tests",
}


@cache
def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


def source_files() -> list[Path]:
    """Every file of ours under a rule; Alembic's `env.py` is an entry point, so it builds Settings itself."""
    files = (path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in files if path.name != "env.py")


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_follow_the_house(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong: dict[str, set[str]] = {}
    for path in (path for path in source_files() if path.relative_to(ROOT).parts[0] == package):
        found = {name for name in imported_modules(path) if name.split(".")[0] in OURS - allowed}
        found = {name for name in found if package not in NAMES.get(name, set())}
        if found:
            wrong[str(path.relative_to(ROOT))] = found
    assert not wrong, f"{package}/ may import only {sorted(allowed)} of ours"


def test_what_nobody_imports_is_not_allowed() -> None:
    """The rule says what is true: a permission that nothing uses invites."""
    used: dict[str, set[str]] = {package: set() for package in MAY_IMPORT}
    for path in source_files():
        package = path.relative_to(ROOT).parts[0]
        used[package] |= {name.split(".")[0] for name in imported_modules(path)} & (OURS - {package})
    assert not {package: unused for package in MAY_IMPORT if (unused := MAY_IMPORT[package] - used[package])}


def test_what_anybody_may_import_imports_nothing_of_ours() -> None:
    for module in NAMES:
        path = ROOT / f"{module.replace('.', '/')}.py"
        assert not {name for name in imported_modules(path) if name.split(".")[0] in OURS}


DOORS = {"fastapi", "starlette", "jinja2", "markupsafe", "temporalio"}


@pytest.mark.parametrize("package", ["domain", "matching", "db", "services"])
def test_use_cases_know_no_door(package: str) -> None:
    """What is behind the doors serves all of them: it knows nothing of requests, pages or activities."""
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / package).rglob("*.py")
        for name in imported_modules(path)
        if name.split(".")[0] in DOORS
    }
    assert not found


def test_pages_call_use_cases_not_routes() -> None:
    """A page that calls a route makes up a request for it, and reads its answer back."""
    pages = (ROOT / "api" / "pages").rglob("*.py")
    found = {path.stem for path in pages if any(name.startswith("api.routes") for name in imported_modules(path))}
    assert not found


def test_top_level_names_are_ours() -> None:
    import activities
    import api
    import workflows

    for module in (workflows, activities, api):
        assert module.__file__ is not None
        assert Path(module.__file__).parent.parent == ROOT


def test_every_package_has_an_init() -> None:
    folders = {path.parent for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts and "var" not in path.parts}
    missing = [
        folder.relative_to(ROOT)
        for folder in folders
        if not (folder / "__init__.py").exists() and folder.name not in {"migrations", "versions", "deploy"}
    ]
    assert not missing


RE_FUNCTIONS = {"compile", "search", "match", "fullmatch", "sub", "subn", "finditer", "findall", "split"}


def foreign_patterns(path: Path) -> list[int]:
    """Return the lines where a function hands `re` something that is not written there: it may be from outside."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    calls = [call for function in functions for call in ast.walk(function) if isinstance(call, ast.Call)]
    return [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("re", "regex")
        and call.func.attr in RE_FUNCTIONS
        and call.args
        and not isinstance(call.args[0], ast.Constant)
    ]


def test_only_one_place_reads_patterns_from_outside() -> None:
    """What `re` reads can take for ever; `domain.patterns` has an engine that cannot."""
    ours = [path for path in source_files() if path.relative_to(ROOT) != Path("domain/patterns.py")]
    ours += [*ROOT.glob("*.py"), *(ROOT / "commands").rglob("*.py")]
    found = {str(path.relative_to(ROOT)): lines for path in ours if (lines := foreign_patterns(path))}
    assert not found
    assert foreign_patterns(ROOT / "domain" / "patterns.py")  # it would be seen


WORDS_OF_TICKETS = {"matching/declared.py"}  # what it compares are a ticket's own words


def test_no_sentence_is_read_back_as_data() -> None:
    """What a reason, a detail or a comment says is for people: whoever decides by it, decides by what a host wrote."""
    entries = [*ROOT.glob("*.py"), *(ROOT / "commands").rglob("*.py")]
    ours = [path for path in (*source_files(), *entries) if "versions" not in path.parts]
    found = {str(path.relative_to(ROOT)): lines for path in ours if (lines := sentences_read_back(path.read_text()))}
    assert found.keys() == WORDS_OF_TICKETS, "make it a fact (domain/ending.py), and the sentence from it"


def test_no_screen_reads_a_sentence_back() -> None:
    shown = [path for kind in ("*.html", "*.js") for path in (ROOT / "api").rglob(kind)]
    found = {path.name: lines for path in shown if (lines := sentences_read_in(path.read_text(encoding="utf-8")))}
    assert not found


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
    ],
)
def test_a_sentence_is_one_wherever_it_was_put(text: str) -> None:
    assert sentences_read_back(text) == [3]


@pytest.mark.parametrize(
    "text",
    [
        "{% if ticket.status_reason == 'lost' %}",
        "{% if 'lost' in one.detail %}",
        "{% if one.reason|lower in ['lost'] %}",
        "{% if one.reason.startswith('lost') %}",
        "{{ found|selectattr('status_reason', 'equalto', 'lost')|list }}",
        "if (problem.detail.includes('lost')) { }",
    ],
)
def test_a_sentence_read_on_a_screen_is_seen(text: str) -> None:
    assert sentences_read_in(text) == [1]
    assert not sentences_read_in("{% for one in plan.reasons %}{{ one.reason }}{% endfor %}")


def outside_db() -> list[Path]:
    """Every file of ours outside `db/`, entry points too. Tests may see rows: they set what only a crash leaves."""
    entries = [*ROOT.glob("*.py"), *(ROOT / "commands").rglob("*.py")]
    return [path for path in [*source_files(), *entries] if path.relative_to(ROOT).parts[0] != "db"]


def test_nothing_outside_db_sees_a_row() -> None:
    found = {str(path.relative_to(ROOT)): seen for path in outside_db() if (seen := rows_seen_in(path.read_text()))}
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "from db.tables import TicketRow",
        "from db import tables",
        "import db.tables as t",
        "from db.lists import TicketRow",
        "from db import tables as t",
        "from sqlalchemy import select",
    ],
)
def test_a_row_that_is_seen_is_found(text: str) -> None:
    assert rows_seen_in(text)


def test_db_hands_out_no_row() -> None:
    files = [path for path in (ROOT / "db").glob("*.py") if path.name != "tables.py"]
    assert not {f"{path.name}: {name}" for path in files for name in row_givers(path.read_text())}


@pytest.mark.parametrize(
    "text",
    [
        "async def get() -> TicketRow | None: ...",
        "def every() -> 'list[TicketRow]': ...",
        "class Found:\n    row: TicketRow",
        "class Queue:\n    def first(self) -> TicketRow: ...",
    ],
)
def test_a_row_that_is_handed_out_is_found(text: str) -> None:
    assert row_givers(text)
    assert not row_givers("def _to_ticket(row: TicketRow) -> Ticket: ...")


def test_the_picture_of_the_architecture_is_current() -> None:
    from commands import architecture

    drawn = architecture.draw(architecture.read_imports())
    assert architecture.PICTURE.read_text(encoding="utf-8") == drawn, "run `make architecture` and commit it"


def test_no_part_imports_itself_through_others() -> None:
    from commands import architecture

    assert not {name for name, below in architecture.reached(architecture.read_imports()).items() if name in below}


def test_the_picture_leaves_out_only_what_follows() -> None:
    from commands import architecture

    line = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert architecture.needed(line) == [("a", "b"), ("b", "c")]
    circle = {"a": {"b", "c"}, "b": {"a", "c"}, "c": set[str]()}
    assert architecture.needed(circle) == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")]
    imports = architecture.read_imports()
    kept = {name: {below for above, below in architecture.needed(imports) if above == name} for name in imports}
    assert architecture.reached(kept) == architecture.reached(imports)


STATUSES = {"TicketStatus", "ExecutionStatus", "StepStatus"}


def status_sets(text: str) -> list[int]:
    """Return the lines where several statuses of a kind stand together as a set, a tuple or a list."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Set | ast.Tuple | ast.List)
        and len(node.elts) > 1
        and len(kinds := {ast.unparse(one).split(".")[0] for one in node.elts}) == 1
        and kinds <= STATUSES
    ]


def test_sets_of_statuses_stand_beside_their_enums() -> None:
    """What two places call "ended" or "went wrong" is one thing: a property or a set in domain/."""
    ours = [*source_files(), *(ROOT / "commands").rglob("*.py")]
    found = {
        name: lines
        for path in ours
        if not (name := str(path.relative_to(ROOT))).startswith("domain/")
        and (lines := status_sets(path.read_text(encoding="utf-8")))
    }
    assert not found
    assert status_sets("status in (TicketStatus.OPEN, TicketStatus.CLOSED)")  # it would be seen


def test_doors_ask_the_database_nothing() -> None:
    """What a page shows and an activity stores is a use case: the next door would make the same queries again."""
    found = {str(path.relative_to(ROOT)): asked for path in door_files() if (asked := questions_to_db(path))}
    assert not found
    assert questions_to_db(ROOT / "services" / "inbox.py")  # it would be seen


MOST_STATEMENTS = 11
ROOMY = {
    "activities/steps.py run_step": "it follows a command on a host, which is all that activities are for",
    "api/pages/connections.py try_it": "with and without scripts, and what a host shows that nobody has confirmed",
}
"""Doors that have to do more than call and word, and why."""


def test_doors_are_a_few_statements() -> None:
    """Read what was given, call one use case, word the answer."""
    found = {name: count for path in door_files() for name, count in statements_of_doors(path).items()}
    assert {name for name, count in found.items() if count > MOST_STATEMENTS} == ROOMY.keys()
    followers = ("activities/steps.py", "activities/connections.py")
    calls = {name for name, count in found.items() if name.startswith("activities/") and count == 1}
    assert calls == {name for name in found if name.startswith("activities/") and not name.startswith(followers)}
