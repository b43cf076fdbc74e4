"""Finds where a row of the database is seen outside `db/`, or handed out of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.imports import ROOT, is_under, names_reached

SEEN_OF_SQLALCHEMY = ("sqlalchemy.exc", "sqlalchemy.ext.asyncio")
"""What may be seen of it outside `db/`: its errors, and the session that is handed on."""
TABLES = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "db" / "tables").glob("*.py")]
CLASSES = [node for table in TABLES for node in table.body if isinstance(node, ast.ClassDef)]
ROWS = {one.name for one in CLASSES if one.name.endswith("Row")} - {"Row"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def seen_of_rows(text: str) -> set[str]:
    """Return what a file outside `db/` knows of tables and of SQL. A row whose class it does not name is not seen."""
    reached = names_reached(text)
    foreign = {
        name
        for name in reached
        if is_under(name, "sqlalchemy") and not any(is_under(name, one) for one in SEEN_OF_SQLALCHEMY)
    }
    tables = {name for name in reached if is_under(name, "db.tables")}
    return foreign | tables | (set(_names(ast.parse(text))) & ROWS)


def row_givers(text: str) -> list[str]:
    """Return the public functions, methods and classes whose result or field names a row's class, or an alias of one.

    What is returned as `Any` or `object` is not seen.
    """
    tree = ast.parse(text)
    rows = {name for name in _names(tree) if name.endswith("Row")}
    rows |= {name for node in tree.body for name in _aliases(node)}
    return [name for name, told in _public(tree.body) if not rows.isdisjoint(_names(told))]


def row_givers_in(folder: Path) -> set[str]:
    """Return all that files of `db/` hand out; a table is a row itself, and a migration is handed to nobody."""
    files = folder.glob("*.py")  # tables and migrations have folders of their own
    return {f"{path.name}: {name}" for path in files for name in row_givers(path.read_text(encoding="utf-8"))}


def _public(body: list[ast.stmt], of: str = "") -> Iterator[tuple[str, ast.expr]]:
    """Yield name and type of what public functions return and public classes hold."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name, returns=told) | ast.AsyncFunctionDef(name=name, returns=told):
                if told is not None and not name.startswith("_"):
                    yield of + name, told
            case ast.ClassDef(name=name, body=within) if not name.startswith("_"):
                yield from _public(within, f"{name}.")
            case ast.AnnAssign(target=ast.Name(id=name), annotation=told) if of and not name.startswith("_"):
                yield of + name, told


def _aliases(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ImportFrom(names=names):
            yield from (one.asname for one in names if one.asname and one.name.endswith("Row"))
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            if value is not None and any(one.endswith("Row") for one in _names(value)):
                yield name


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield each name within: plain, after a dot, imported, or in a text, as a quoted type is one."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.Constant(value=str(text)):
                yield from re.findall(r"\w+", text)
