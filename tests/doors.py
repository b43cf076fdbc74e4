"""What doors do: the routes, the pages and the activities, as their syntax shows it."""

import ast
from collections.abc import Callable
from pathlib import Path

from tests.imports import ROOT, imported_modules, is_under

FOLDERS = ("api/routes", "api/pages", "activities")
HELD = {"db.engine", "db.cipher", "db.paging"}
"""What of `db/` a door may hold, without asking it anything."""
OPENED_BY = {"router", "schema_router", "activity"}
"""What a door is decorated with."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def door_files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def questions_to_db(path: Path) -> set[str]:
    """Return what a file imports of modules of queries."""
    asked = {name for name in imported_modules(path) if is_under(name, "db")}
    return {name for name in asked if not any(is_under(name, one) for one in HELD)}


def statements_in(path: Path) -> dict[str, int]:
    """Return how many statements each function of a file has, with those inside it; its docstring is none."""
    return _counted(path, lambda _: True)


def statements_of_doors(path: Path) -> dict[str, int]:
    """Return the same of each handler of a route or page, and of each activity."""
    return _counted(path, _is_door)


def _counted(path: Path, counts: Callable[[Function], bool]) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function) and counts(node):
            found[node.name] = max(found.get(node.name, 0), _statements(node))
    return found


def _is_door(function: Function) -> bool:
    return any(ast.unparse(one).split(".")[0] in OPENED_BY for one in function.decorator_list)


def _statements(function: Function) -> int:
    inside = sum(isinstance(node, ast.stmt) for one in function.body for node in ast.walk(one))
    return inside - bool(ast.get_docstring(function))
