"""Where rows are seen, or handed out by `db/`, as the syntax shows it."""

import ast
from collections.abc import Iterator

SEEN_OF_SQLALCHEMY = {"sqlalchemy.exc", "sqlalchemy.ext.asyncio"}
"""What may be seen of it outside `db/`: its errors, and the session that is handed on."""


def rows_seen_in(text: str) -> set[str]:
    """Return what a file outside `db/` imports that shows rows, or asks for them."""
    names = {name for node in ast.walk(ast.parse(text)) for name in _imported(node)}
    return {name for name in names if _shows_rows(name)}


def _imported(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (one.name for one in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{one.name}" for one in names)


def _shows_rows(name: str) -> bool:
    if name.split(".")[0] == "sqlalchemy":
        return not any(name == seen or name.startswith(f"{seen}.") for seen in SEEN_OF_SQLALCHEMY)
    return name.startswith("db.") and (name.split(".")[1] == "tables" or name.endswith("Row"))


def row_givers(text: str) -> list[str]:
    """Return the public functions and fields of a file whose type names a row's class."""
    return [name for node in ast.walk(ast.parse(text)) for name in _gives(node)]


def _gives(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.FunctionDef(name=name, returns=ast.expr() as given)
            | ast.AsyncFunctionDef(name=name, returns=ast.expr() as given)
        ):
            if not name.startswith("_") and _names_row(given):
                yield name
        case ast.ClassDef(name=name, body=body):
            if any(isinstance(one, ast.AnnAssign) and _names_row(one.annotation) for one in body):
                yield name


def _names_row(given: ast.expr) -> bool:
    words = ast.unparse(given).replace("'", " ").replace('"', " ")
    return any(isinstance(one, ast.Name) and one.id.endswith("Row") for one in ast.walk(ast.parse(words.strip())))
