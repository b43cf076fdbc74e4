"""The house's rules: who may import whom, and that our top-level names are really ours."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.doors import door_files, questions_to_db, statements_in, statements_of_doors
from tests.imports import ROOT, imported_modules, imports_by_name, is_under
from tests.rows import row_givers_in, seen_of_rows
from tests.screens import sentences_read_by, sentences_read_in
from tests.sentences import sentences_read_back

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


def source_files() -> list[Path]:
    """Every file of ours under a rule; Alembic's `env.py` is an entry point, so it builds Settings itself."""
    files = (path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in files if path.name != "env.py")


def all_files() -> list[Path]:
    """Every file of ours, entry points and commands too; not the tests."""
    return [*source_files(), *ROOT.glob("*.py"), *(ROOT / "commands").rglob("*.py")]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_follow_the_house(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong: dict[str, set[str]] = {}
    for path in (path for path in source_files() if path.relative_to(ROOT).parts[0] == package):
        found = {name for name in imported_modules(path) if name.split(".")[0] in OURS - allowed}
        found -= {name for name in found for one in NAMES if is_under(name, one) and package in NAMES[one]}
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


def test_only_the_registry_of_runners_imports_by_name() -> None:
    """What is imported by a name that is made at run time, none of these rules sees."""
    found = {str(path.relative_to(ROOT)) for path in all_files() if imports_by_name(path.read_text(encoding="utf-8"))}
    assert found == {"integrations/runners.py"}


def test_pages_call_use_cases_not_routes() -> None:
    """A page that calls a route makes up a request for it, and reads its answer back."""
    pages = (ROOT / "api" / "pages").rglob("*.py")
    found = {path.stem for path in pages if any(is_under(name, "api.routes") for name in imported_modules(path))}
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
    """What `re` reads can take for ever; `domain.text.patterns` has an engine that cannot."""
    ours = [path for path in source_files() if path.relative_to(ROOT) != Path("domain/text/patterns.py")]
    ours += [*ROOT.glob("*.py"), *(ROOT / "commands").rglob("*.py")]
    found = {str(path.relative_to(ROOT)): lines for path in ours if (lines := foreign_patterns(path))}
    assert not found
    assert foreign_patterns(ROOT / "domain" / "text" / "patterns.py")  # it would be seen


WORDS_OF_OTHERS = {
    "matching/declared.py": "what it compares are a ticket's own words",
    "domain/text/yaml_lines.py": "PyYAML says what is wrong in words alone; only the advice to authors hangs on them",
}
"""Where words are read that are no sentences of ours, and why."""


def test_no_sentence_is_read_back_as_data() -> None:
    """What a reason, a detail or a comment says is for people: whoever decides by it, decides by what a host wrote."""
    ours = [path for path in all_files() if "versions" not in path.parts]
    found = {str(path.relative_to(ROOT)): lines for path in ours if (lines := sentences_read_back(path.read_text()))}
    assert found.keys() == WORDS_OF_OTHERS.keys(), "make it a fact (domain/ending.py), and the sentence from it"


def test_no_screen_reads_a_sentence_back() -> None:
    reads = {"*.html": sentences_read_in, "*.js": sentences_read_by}
    shown = [(path, read) for kind, read in reads.items() for path in (ROOT / "api").rglob(kind)]
    found = {path.name: lines for path, read in shown if (lines := read(path.read_text(encoding="utf-8")))}
    assert not found


def test_nothing_outside_db_sees_a_row() -> None:
    """Entry points neither. Tests may see rows: they set what only a crash leaves."""
    ours = [path for path in all_files() if path.relative_to(ROOT).parts[0] != "db"]
    found = {str(path.relative_to(ROOT)): seen for path in ours if (seen := seen_of_rows(path.read_text()))}
    assert not found


def test_no_test_keeps_records_in_a_real_home() -> None:
    """A runner without a home has that of whoever runs the tests; the next run would find there what this one left."""
    homeless = re.compile(r"\bLocalRunner\((?!.*\bhome=).*\)")
    assert not [path.name for path in (ROOT / "tests").rglob("*.py") if homeless.search(path.read_text())]


def test_db_hands_out_no_row() -> None:
    assert not row_givers_in(ROOT / "db")


@cache
def imports_of_all() -> dict[str, set[str]]:
    """Read once: every file of ours is parsed for it."""
    from commands import architecture

    return architecture.read_imports()


def test_the_picture_of_the_architecture_is_current() -> None:
    from commands import architecture

    drawn = architecture.draw(imports_of_all())
    assert architecture.PICTURE.read_text(encoding="utf-8") == drawn, "run `make architecture` and commit it"


def test_no_part_imports_itself_through_others() -> None:
    from commands import architecture

    assert not {name for name, below in architecture.reached(imports_of_all()).items() if name in below}


def test_the_picture_leaves_out_only_what_follows() -> None:
    from commands import architecture

    line = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert architecture.needed(line) == [("a", "b"), ("b", "c")]
    circle = {"a": {"b", "c"}, "b": {"a", "c"}, "c": set[str]()}
    assert architecture.needed(circle) == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")]
    imports = imports_of_all()
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
FOLLOWS = "it follows a command on a host, which is all that activities are for"
DRAWS = "it reckons where each bar of a picture goes, and asks nobody anything"
ROOMY = {
    "activities/steps.py run_step": FOLLOWS,
    "activities/steps.py _outcome": FOLLOWS,
    "activities/steps.py _run": FOLLOWS,
    "activities/steps.py _kill": FOLLOWS,
    "activities/steps.py _given_up": FOLLOWS,
    "activities/steps.py watch": FOLLOWS,
    "api/pages/charts.py stacked": DRAWS,
    "api/pages/charts.py bars": DRAWS,
    "api/pages/connections.py try_it": "with and without scripts, and what a host shows that nobody has confirmed",
    "api/pages/errors.py __call__": "it holds an answer back until it is whole, message by message",
}
"""Functions of doors that have to do more than call and word, and why."""


def counted(count: Callable[[Path], dict[str, int]]) -> dict[str, int]:
    return {f"{path.relative_to(ROOT)} {name}": size for path in door_files() for name, size in count(path).items()}


def test_doors_are_a_few_statements() -> None:
    """Read what was given, call one use case, word the answer; a door's helpers are held to it as well."""
    found = counted(statements_in)
    assert {name for name, count in found.items() if count > MOST_STATEMENTS} == ROOMY.keys()


def test_activities_hand_on() -> None:
    followers = ("activities/steps.py", "activities/connections.py")
    found = counted(statements_of_doors)
    calls = {name for name, count in found.items() if name.startswith("activities/") and count == 1}
    assert calls == {name for name in found if name.startswith("activities/") and not name.startswith(followers)}
