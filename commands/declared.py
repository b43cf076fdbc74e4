"""Options of a command that are made from what is declared elsewhere: filters of lists, settings of a tenant."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any


def taking(
    command: Callable[..., None],
    name: str,
    declared: Sequence[Parameter],
    read: Callable[[Any], Any] = lambda value: value,
) -> Callable[..., None]:
    """Return a command with these parameters in the place of its parameter of that name, which gets their values.

    `read` turns what was typed into what it gets.
    """

    def with_options(**given: Any) -> None:
        values = {one.name: read(given.pop(one.name)) for one in declared}
        command(**given, **{name: values})

    parameters: list[Parameter] = []
    for one in signature(command).parameters.values():
        parameters += declared if one.name == name else [one]
    # Typer reads both to know what may be typed.
    with_options.__signature__ = signature(command).replace(  # type: ignore[attr-defined]
        parameters=[one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters]
    )
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    with_options.__doc__ = command.__doc__
    return with_options
