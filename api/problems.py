"""Errors as RFC 9457 problem details: one shape for all of them, with a `detail` that says what to do."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from services.errors import Conflict, FieldProblem, Invalid, NotFound, ServiceError, Unavailable

log = logging.getLogger("handrail.api")

_OURS = (DataError, IntegrityError, ProgrammingError)  # what the database rightly refuses is our mistake
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20  # nobody mends more before asking again


class FieldError(BaseModel):
    """What is wrong with one field of a request; in a runbook, on which line, and what to write instead."""

    field: str = Field(examples=["severity"])
    message: str = Field(examples=["Input should be 'critical', 'high', 'medium', 'low' or 'info'"])
    line: int | None = None
    mend: str | None = None


class ProblemDetails(BaseModel):
    """How every error looks."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What happened and what to do.")
    instance: str | None = Field(default=None, description="The path that was asked.")
    errors: list[FieldError] | None = Field(default=None, description="For 422: each field that is wrong.")


class Problem(Exception):
    """An error for the caller. `members` are further fields of the answer, already plain JSON."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.members = status, detail, headers, members


def invalid(field: str, message: str) -> Problem:
    """Return the problem of one wrong field."""
    return Problem(422, f"{field}: {message}", errors=[{"field": field, "message": message}])


STATUS_OF: dict[type[ServiceError], int] = {NotFound: 404, Conflict: 409, Invalid: 422, Unavailable: 503}


REFUSALS = (Problem, ServiceError)
"""What stands against what was asked for: said by a door, or by a use case."""


def problem_of(error: Problem | ServiceError) -> Problem:
    """Return what stands against something as the problem that callers get."""
    if isinstance(error, Problem):
        return error
    members: dict[str, Any] = to_jsonable_python(error.data, by_alias=True)
    headers = None
    if isinstance(error, Invalid):
        members["errors"] = [_plain(one) for one in error.errors]
    if isinstance(error, Unavailable) and error.retry_after is not None:
        headers = {"Retry-After": str(error.retry_after)}
    return Problem(STATUS_OF[type(error)], str(error), headers=headers, **members)


def _plain(one: FieldProblem) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if value is not None}


def to_response(problem: Problem, path: str) -> Response:
    """Render a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        **problem.members,
    }
    text = json.dumps(body, ensure_ascii=True)
    return Response(text, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


Responses = dict[int | str, dict[str, Any]]
"""OpenAPI's `responses` as FastAPI takes them."""


def answer(status: int, model: type[BaseModel], description: str) -> Responses:
    """Return OpenAPI's `responses` for another success than the usual one."""
    return {status: {"model": model, "description": description}}


def problem_responses(*statuses: int) -> Responses:
    """Return OpenAPI's `responses` for these statuses."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in statuses}


def install_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(ServiceError, _on_service)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for unavailable in (DBAPIError, PoolTimeout):
        app.add_exception_handler(unavailable, _on_database)
    app.add_exception_handler(Exception, _on_error)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return to_response(error, request.url.path)


async def _on_service(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return to_response(problem_of(error), request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; /docs lists what there is"
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "other methods")
        detail = f"{request.method} is not possible here; use {allowed}"
    elif error.status_code == 400 and not isinstance(error.__cause__, MultiPartException):  # not a form: JSON
        message = "cannot be read as JSON; send one object in UTF-8, not nested too deeply"
        return to_response(invalid("body", message), request.url.path)
    return to_response(Problem(error.status_code, detail, headers=error.headers), request.url.path)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [_field_error(details) for details in error.errors()[:MOST_ERRORS]]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in found[:5])
    return to_response(Problem(422, detail, errors=found), request.url.path)


def _field_error(details: Mapping[str, Any]) -> dict[str, str]:
    """Words of our own where the validator's do not say what to do; never the value itself, it may be a secret."""
    location = [str(part) for part in details["loc"][1:]]
    kind, message = details["type"], str(details["msg"]).removeprefix("Value error, ")
    if kind == "json_invalid":
        return {"field": "body", "message": f"is not JSON: {details['ctx']['error']} at character {location[0]}"}
    if kind == "missing":
        message = "is missing; it is required"
    elif kind == "extra_forbidden":
        message = "is no field of this; remove it"
    return {"field": ".".join(location) or "body", "message": message}


async def _on_database(request: Request, error: Exception) -> Response:
    if isinstance(error, _OURS):
        raise error
    log.error("the database did not answer: %s", error)
    problem = Problem(503, "the database does not answer; try again soon", headers={"Retry-After": "2"})
    return to_response(problem, request.url.path)


async def _on_error(request: Request, error: Exception) -> Response:
    problem = Problem(500, "Handrail failed to answer this; its log says why. Trying again does no harm")
    return to_response(problem, request.url.path)
