"""What a file of ours imports, and what it reaches through what it imported, as dotted names."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BY_NAME = {"import_module", "__import__", "exec", "eval"}
"""What imports by a name that no test can read."""


@cache
def imported_modules(path: Path) -> set[str]:
    return names_reached(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parent.parts)


def names_reached(text: str, package: tuple[str, ...] = ()) -> set[str]:
    """Return each `module.name` that is imported, and each `name.of.it` under which it is then used.

    `package`: where the file is, for relative imports. Not seen: what a variable holds, or is got by `getattr`.
    """
    tree = ast.parse(text)
    bound = {name: full for node in ast.walk(tree) for name, full in _bound(node, package).items()}
    used = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    through = {f"{bound[head]}.{rest}" for head, _, rest in (name.partition(".") for name in used) if head in bound}
    plain = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    return plain | {full for full in bound.values() if "." in full} | through


def _bound(node: ast.AST, package: tuple[str, ...]) -> dict[str, str]:
    """Return under which name an import binds what."""
    match node:
        case ast.Import(names=names):
            return {one.asname or _top(one.name): one.name if one.asname else _top(one.name) for one in names}
        case ast.ImportFrom(module=module, names=names, level=level):
            above = [*package[: len(package) - level + 1]] if level else []
            start = ".".join([*above, *([module] if module else [])])
            return {one.asname or one.name: f"{start}.{one.name}" for one in names}
    return {}


def _top(name: str) -> str:
    return name.partition(".")[0]


def is_under(name: str, module: str) -> bool:
    """Whether a dotted name is a module's, or of one within it."""
    return name == module or name.startswith(f"{module}.")


def imports_by_name(text: str) -> list[int]:
    """Return the lines that import by a name, or run a text: what they reach, no other test here sees."""
    return sorted(
        node.lineno
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Name) and node.id in BY_NAME)
        or (isinstance(node, ast.Attribute) and (node.attr == "import_module" or ast.unparse(node) == "sys.modules"))
    )
