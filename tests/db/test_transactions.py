"""While a transaction writes only the database is awaited: on SQLite whoever else writes waits for its end."""

import ast
from collections.abc import Iterator

import pytest

from tests.imports import ROOT

FOLDERS = ("activities", "api", "commands", "db", "reconciler", "services")
EXCEPTIONS = {
    "services/reports.py: keep(session, taken)": "a function of the caller's; services/deliveries.py has the only one",
    "db/intake.py: asyncio.to_thread(another_host, report, standing.words, delivery.known)": (
        "what it finds depends on reports of the same delivery; it reads short texts, and only until there is a doubt"
    ),
}


class Source:
    """A file: its asynchronous functions, and the file and function that each imported name stands for.

    A name that may be a module's is noted as `name.*`.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                path = node.module.replace(".", "/")
                for alias in node.names:
                    self.imported[f"{alias.asname or alias.name}.*"] = (f"{path}/{alias.name}.py", "")
                    self.imported[alias.asname or alias.name] = (f"{path}.py", alias.name)


Sources = dict[str, Source]


def while_writing(sources: Sources) -> set[str]:
    """Return what is awaited while something writes, however deep, and is no question to the session."""
    found: set[str] = set()
    met: set[tuple[str, str]] = set()
    bodies = [(path, body) for path, source in sources.items() for body in writing(source.tree)]
    while bodies:
        path, body = bodies.pop()
        for awaited in awaited_in(body):
            where, name = called(path, awaited, sources)
            if name is None:
                found.add(f"{path}: {ast.unparse(awaited)}")
            elif (where, name) not in met:
                met.add((where, name))
                bodies.append((where, sources[where].functions[name].body))
    return found


def writing(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncWith) and any(".write()" in ast.unparse(item) for item in node.items):
            yield node.body


def awaited_in(body: list[ast.stmt]) -> Iterator[ast.expr]:
    for node in (each for stmt in body for each in ast.walk(stmt)):
        match node:
            case ast.Await(value=ast.Call(func=ast.Attribute(value=asked))) if ast.unparse(asked).endswith("session"):
                pass
            case ast.Await(value=awaited) | ast.AsyncFor(iter=awaited) | ast.comprehension(iter=awaited, is_async=1):
                yield awaited


def called(path: str, awaited: ast.expr, sources: Sources) -> tuple[str, str | None]:
    """Return the file and the name of the function of ours that is called; no name where it is none."""
    if not isinstance(awaited, ast.Call):
        return path, None
    asked, _, name = ast.unparse(awaited.func).rpartition(".")
    where, original = sources[path].imported.get(f"{asked}.*" if asked else name, (path, name))
    name = original or name
    return where, name if where in sources and name in sources[where].functions else None


def test_nothing_else_is_awaited_while_a_transaction_writes() -> None:
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    sources = {str(path.relative_to(ROOT)): Source(ast.parse(path.read_text(encoding="utf-8"))) for path in paths}
    assert sum(".write()" in path.read_text(encoding="utf-8") for path in paths) > 10
    assert while_writing(sources) == EXCEPTIONS.keys()


@pytest.mark.parametrize(
    "slow",
    ["await asyncio.to_thread(f)", "await deep(session)", "await self.host.run()", "[x async for x in watch.all()]"],
)
def test_what_else_is_awaited_is_found(slow: str) -> None:
    text = f"""
async def deep(session): await even_deeper(session)
async def even_deeper(session): await watch.runs(session.ticket)
async def write(self, database):
    async with database.write() as session:
        await session.execute(1)
        await fine(session)
        {slow}
async def fine(session): return await session.scalar(1)
"""
    assert len(while_writing({"x.py": Source(ast.parse(text))})) == 1
