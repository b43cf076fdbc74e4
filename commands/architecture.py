"""Draws the architecture from what the code imports: `make architecture` writes docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "architecture.md"
NOT_DRAWN = {"tests"}
FROM_OUTSIDE = {"env.py"}  # Alembic starts it, as an entry point
NAMES = {"workflows.names"}  # whoever imports it only says names

Imports = dict[str, set[str]]

HEAD = """# The architecture, as it is imported

Made from the imports of the code by `make architecture`; do not edit. What each part is for stands in
[the house](design.md#the-house).

An arrow says "imports". Arrows that follow from others are left out of the picture; the table has all of them.
An import of `workflows/names.py` is none: it has nothing but names.
"""


def read_imports(root: Path = ROOT) -> Imports:
    """Return which of our packages and modules of the root imports which others."""
    sources = {path.parent.name: path.parent for path in root.glob("*/__init__.py")}
    sources |= {path.stem: path for path in root.glob("*.py")}
    ours = sources.keys() - NOT_DRAWN
    return {name: {one for one in _imported(sources[name]) if one in ours - {name}} for name in sorted(ours)}


def _imported(source: Path) -> Iterator[str]:
    """Yield the first parts of the names of all that a package or a module imports."""
    paths = [path for path in source.rglob("*.py") if path.name not in FROM_OUTSIDE] if source.is_dir() else [source]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found = [node.module]
            yield from (name.partition(".")[0] for name in found if name not in NAMES)


def reached(imports: Imports) -> Imports:
    """Return for each part all that it imports, itself or through others."""
    found: Imports = {}
    for name in imports:
        seen, ahead = set[str](), [name]
        while ahead:
            new = imports[ahead.pop()] - seen
            seen |= new
            ahead += new
        found[name] = seen
    return found


def needed(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others. Of those that go in a circle, none is left out."""
    far = reached(imports)

    def follows(above: str, below: str) -> bool:
        between = imports[above] - {below}
        return any(below in far[one] and above not in far[one] and one not in far[below] for one in between)

    return [(above, below) for above in imports for below in sorted(imports[above]) if not follows(above, below)]


def draw(imports: Imports) -> str:
    """Return the page: a picture in Mermaid, and the table behind it."""
    boxes = [f"    {name}[{_label(name)}]" for name in imports]
    arrows = [f"    {above} --> {below}" for above, below in needed(imports)]
    rows = [
        f"| `{_label(name)}` | {', '.join(f'`{_label(one)}`' for one in sorted(imports[name])) or 'nothing of ours'} |"
        for name in imports
    ]
    picture = ["```mermaid", "flowchart TD", *boxes, *arrows, "```"]
    return "\n".join([HEAD, *picture, "", "| part | imports |", "|---|---|", *rows, ""])


def _label(name: str) -> str:
    return name if (ROOT / name).is_dir() else f"{name}.py"


if __name__ == "__main__":
    PICTURE.write_text(draw(read_imports()), encoding="utf-8")
