"""The table of docs/design.md is the API, and the API is that table."""

import re
from pathlib import Path

from api.context import ApiContext
from api.main import create_app
from api.routes.settings import ExecutionModeView, NewExecutionMode

DESIGN = Path(__file__).resolve().parents[2] / "docs" / "design.md"
AT_THE_ROOT = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")
UNLISTED = {("GET", "/docs"), ("GET", "/openapi.json")}  # the documentation does not document itself


def described() -> set[tuple[str, str]]:
    """Return every method and path of the table, but those that it calls "not built"."""
    table = DESIGN.read_text(encoding="utf-8").split("| method and path | what |")[1].split("\n\n")[0]
    found: set[tuple[str, str]] = set()
    for row in table.splitlines()[2:]:
        cell = row.split(" | ")[0]
        if cell.startswith("| not built:"):
            continue
        methods: list[str] = []
        for method, path in re.findall(r"`([A-Z]+)(?: (/[^`]*))?`", cell):
            methods.append(method)
            if path:
                found |= {(each, path if path in AT_THE_ROOT else f"/api/v1{path}") for each in methods}
                methods = []
        assert not methods, f"a method without a path: {cell}"
    return found


def test_the_settings_are_those_that_the_design_shows() -> None:
    row = re.search(
        r"^\| `GET`, `POST /settings/execution-mode/.*?` \| `({[^`]*})`; POST takes `(\w+)`",
        DESIGN.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert row is not None
    assert re.findall(r'"(\w+)":', row[1]) == [*ExecutionModeView.model_fields] == [*NewExecutionMode.model_fields]
    assert [row[2]] == [name for name, field in NewExecutionMode.model_fields.items() if field.is_required()]


async def test_the_wire_is_what_the_design_says(lone_context: ApiContext) -> None:
    paths = create_app(lone_context).openapi()["paths"]
    built = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described() - built == UNLISTED
    assert built - described() == set()
