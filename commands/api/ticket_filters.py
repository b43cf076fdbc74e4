"""The filters of a list of tickets, as options of a command."""

from collections.abc import Callable
from inspect import Parameter
from typing import Annotated, Any

import typer

from commands.declared import taking
from domain.tickets.filter import TICKET_FILTERS, Filter, FilterKind


def takes_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each filter of tickets; as `filters` it gets them in the words of the wire."""

    return taking(command, "filters", [_parameter(one) for one in TICKET_FILTERS], _sent)


def _parameter(one: Filter) -> Parameter:
    option = typer.Option(*(one.about.options or (f"--{one.name}",)), help=one.about.help)
    of: Any = bool if one.kind is FilterKind.FLAG else (one.field.annotation or str) | None
    default = False if one.kind is FilterKind.FLAG else None
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[of, option])


def _sent(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else None
    return [str(one) for one in value] if isinstance(value, list) else value
