"""The filters of a list of tickets, as its address has them."""

from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Depends, Query

from domain.tickets.filter import TICKET_FILTERS, Filter, TicketFilter


def read_filters(**given: Any) -> TicketFilter:
    return TicketFilter(**given)


def _parameter(one: Filter) -> Parameter:
    limits: tuple[Any, ...] = tuple(limit for limit in one.field.metadata if limit is not one.about)
    query = Query(description=one.field.description)
    if one.field.default_factory is None:
        default: Any = one.field.default
    else:
        query, default = Query(default_factory=list, description=one.field.description), Parameter.empty
    annotated: Any = Annotated
    annotation = annotated[(one.field.annotation, *limits, query)]
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


# FastAPI reads a signature to know what a request may have.
read_filters.__signature__ = Signature([_parameter(one) for one in TICKET_FILTERS])  # type: ignore[attr-defined]
Filters = Annotated[TicketFilter, Depends(read_filters)]
