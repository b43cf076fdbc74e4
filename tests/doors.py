"""What doors do: the routes, the pages and the activities, as their syntax shows it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("api/routes", "api/pages", "activities")
HELD = {"db.engine", "db.cipher", "db.paging"}
"""What of `db/` a door may hold, without asking it anything."""
OPENED_BY = {"router", "schema_router", "activity"}
"""What a door is decorated with."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def door_files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def questions_to_db(path: Path) -> set[str]:
    """Return which modules of queries a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for node in ast.walk(tree) for name in _imported_of_db(node)} - HELD


def _imported_of_db(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ImportFrom(module="db", names=names):
            yield from (f"db.{one.name}" for one in names)
        case ast.ImportFrom(module=str(name)) if name.startswith("db."):
            yield name
        case ast.Import(names=names):
            yield from (one.name for one in names if one.name.split(".")[0] == "db")


def statements_of_doors(path: Path) -> dict[str, int]:
    """Return how many statements each handler of a route or page, and each activity, has; its docstring is none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doors = [node for node in ast.walk(tree) if isinstance(node, Function) and _is_door(node)]
    return {f"{path.relative_to(ROOT)} {door.name}": _statements(door) for door in doors}


def _is_door(function: Function) -> bool:
    return any(ast.unparse(one).split(".")[0] in OPENED_BY for one in function.decorator_list)


def _statements(function: Function) -> int:
    inside = sum(isinstance(node, ast.stmt) for one in function.body for node in ast.walk(one))
    return inside - bool(ast.get_docstring(function))
