"""What the connectors have to be told of a connection, as options of a command."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from inspect import Parameter
from typing import Annotated, Any

import typer

from commands.declared import taking
from domain.connectors import CONNECTORS, DEFAULT
from domain.connectors.connector import COMMON, Field, FieldKind


def takes_fields(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--connector` and an option for each field of any; in `fields`, what was not said is None."""
    return taking(command, "fields", [*_options()], _sent)


def _options() -> Iterator[Parameter]:
    found: dict[str, list[Field]] = {}
    for kind in CONNECTORS.values():
        for field in kind.fields:
            found.setdefault(field.name, []).append(field)
    for name, fields in found.items():
        yield _option(name, fields)
    connector = StrEnum("Connector", {name: name for name in CONNECTORS})  # type: ignore[misc]  # they are registered
    yield _parameter("connector", connector, typer.Option("--connector"), connector(DEFAULT))


def _option(name: str, fields: list[Field]) -> Parameter:
    """Return the option for the fields of this name. What only some connections have is sent only where it is said."""
    first = fields[0]
    names = [f"--{name.replace('_', '-')}", *([f"-{first.short}"] if first.short else [])]
    help = " Or: ".join(dict.fromkeys(one.help for one in fields if one.help)) or None
    is_same = name in COMMON and len({one.default for one in fields}) == 1
    default = first.default if is_same else None
    if first.kind is FieldKind.NUMBER:
        return _parameter(
            name, int | None, typer.Option(*names, help=help, min=first.lowest, max=first.highest), default
        )
    return _parameter(name, str | None, typer.Option(*names, help=help), default)


def _parameter(name: str, of: Any, option: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[of, option])


def _sent(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value
