"""The filters of a list of tickets, as options of a command."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from domain.ticket_filter import TICKET_FILTERS, Filter, FilterKind


def takes_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each filter of tickets; as `filters` it gets them in the words of the wire."""

    def with_options(**given: Any) -> None:
        filters = {one.name: _sent(given.pop(one.name)) for one in TICKET_FILTERS}
        command(**given, filters=filters)

    before, *after = [one for one in signature(command).parameters.values() if one.name != "filters"]
    parameters = [before, *(_parameter(one) for one in TICKET_FILTERS), *after]
    # Typer reads both to know what may be typed.
    with_options.__signature__ = signature(command).replace(  # type: ignore[attr-defined]
        parameters=[one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters]
    )
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    with_options.__doc__ = command.__doc__
    return with_options


def _parameter(one: Filter) -> Parameter:
    option = typer.Option(*(one.about.options or (f"--{one.name}",)), help=one.about.help)
    of: Any = bool if one.kind is FilterKind.FLAG else (one.field.annotation or str) | None
    default = False if one.kind is FilterKind.FLAG else None
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[of, option])


def _sent(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else None
    return [str(one) for one in value] if isinstance(value, list) else value
