"""Whether a database's tables are what the migrations say they are: somebody may have changed either."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection

from db.tables.row import Row

MOST_NAMED = 8
HARMLESS = ("remove_table", "remove_index")  # what somebody else put beside ours


class SchemaWrong(Exception):
    """The tables do not fit this version; the message says where."""


def check_schema(connection: Connection) -> None:
    """Raise SchemaWrong unless everything is there that this version reads and writes."""
    if found := differences(connection):
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise SchemaWrong("; ".join(found[:MOST_NAMED]) + more)


def differences(connection: Connection) -> list[str]:
    """Return, in words, what of the tables is not as this version needs it."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = compare_metadata(context, Row.metadata)
    changes = [change for one in found for change in (one if isinstance(one, list) else [one])]
    return [words for change in changes if (words := _words(*change))]


def _words(kind: str, *parts: Any) -> str | None:
    """Return what one difference that Alembic found means for us; None if it harms nothing."""
    if kind in HARMLESS or (kind == "remove_column" and _is_harmless(parts[2])):
        return None
    if kind == "add_table":
        return f"table {parts[0].name} is missing"
    if kind == "add_column":
        return f"column {parts[1]}.{parts[2].name} is missing"
    if kind == "remove_column":
        return f"column {parts[1]}.{parts[2].name} is unknown and must have a value"
    if kind.startswith("modify_"):
        return f"column {parts[1]}.{parts[2]} has another {kind.removeprefix('modify_')}"
    what, thing = kind.split("_", 1)
    return f"{thing} {parts[0].name} of {parts[0].table.name} is {'missing' if what == 'add' else 'unknown'}"


def _is_harmless(column: Column[Any]) -> bool:
    return bool(column.nullable) or column.server_default is not None
