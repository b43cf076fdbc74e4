"""Errors: one shape for all of them, and a `detail` that says what to do. Nothing of a bad request is stored."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.problems import STATUS_OF
from db.tenants import add_tenant
from services.errors import ServiceError
from tests.api.caller import TENANT, Caller
from tests.e2e.running import ROOT

TICKETS = f"/tickets/{TENANT}/tickets"
QUESTIONS = f"/match/{TENANT}"


def assert_problem(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """The specification of an error's shape: every error of every test in this file passes through here."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert isinstance(problem["type"], str)
    assert problem["title"]
    assert problem["instance"].startswith("/")
    for word in words:
        assert word in problem["detail"]
    for error in problem.get("errors", []):
        assert {"field", "message"} <= error.keys()
    return problem


async def stored(caller: Caller) -> int:
    return len((await caller.get(TICKETS)).json()["items"])


async def send(caller: Caller, content: bytes, kind: str = "application/json", path: str = TICKETS) -> httpx.Response:
    return await caller.post(path, content=content, headers={"Content-Type": kind})


async def test_malformed_json(lone_caller: Caller) -> None:
    problem = assert_problem(await send(lone_caller, b'{"title": "x",}'), 422, "is not JSON")
    assert problem["errors"][0]["field"] == "body"
    assert await stored(lone_caller) == 0


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "title", "is missing"),  # of a question: a report is made fit (tests/api/test_odd_reports.py)
        ({"title": ""}, "title", "at least 1 character"),
        ({"title": "x" * 501}, "title", "500"),
        ({"title": "x", "severity": "huge"}, "severity", "'critical', 'high', 'medium', 'low' or 'info'"),
        ({"title": "x", "description": "d" * 100_001}, "description", "100000"),
        ({"title": "x", "colour": "red"}, "colour", "remove it"),
        ({"title": "nul\0"}, "body", "NUL"),
        ({"title": "x", "metadata": {"a": ["\ud800"]}}, "body", "surrogate"),
        ({"title": "x", "metadata": {"a": float("nan")}}, "body", "NaN"),
        ({"title": "x", "labels": {"a": 1}}, "labels.a", "string"),
    ],
)
async def test_bad_questions(lone_caller: Caller, body: dict[str, Any], field: str, words: str) -> None:
    problem = assert_problem(await send(lone_caller, json.dumps(body).encode(), path=QUESTIONS), 422, words)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert words in problem["errors"][0]["message"]


async def test_five_megabytes_of_description(lone_caller: Caller) -> None:
    body = json.dumps({"title": "x", "description": "d" * 5_000_000}).encode()
    assert_problem(await send(lone_caller, body), 413, "1 MiB")
    assert await stored(lone_caller) == 0


@pytest.mark.parametrize(
    "content",
    [
        b'{"title": "x", "metadata": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
        b'{"metadata": ' + b"[" * 50 + b"]" * 50 + b"}",
    ],
)
async def test_deep_nesting(lone_caller: Caller, content: bytes) -> None:
    assert_problem(await send(lone_caller, content, path=QUESTIONS), 422, "nested")


async def test_a_report_too_deep_to_be_read(lone_caller: Caller) -> None:
    content = b'{"title": "x", "metadata": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001
    answer = await lone_caller.post(TICKETS, content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "nested")


async def test_json_that_is_not_utf_8(lone_caller: Caller) -> None:
    assert_problem(await send(lone_caller, b'{"title": "\xff\xfe"}'), 422, "UTF-8")


async def test_a_body_that_is_not_json(lone_caller: Caller) -> None:
    assert_problem(await send(lone_caller, b"title=x", "application/x-www-form-urlencoded"), 415, "application/json")
    assert_problem(await send(lone_caller, b'{"title": "x"}', "text/plain"), 415, "application/json")
    assert_problem(await lone_caller.post(TICKETS), 422, "body")


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/tickets/nobody/tickets", "there is no tenant 'nobody'; there are: demo"),
        ("POST", "/settings/execution-mode/nobody", "there is no tenant"),
        ("GET", f"{TICKETS}/nope", "has no ticket 'nope'"),
        ("GET", f"{TICKETS}/nope/timeline", "has no ticket"),
        ("GET", "/executions/demo/nope", "has no execution"),
        ("GET", "/executions/demo/nope/steps/1/output", "has no execution"),
        ("GET", "/runbooks/demo/nope", "has no runbook 'nope'"),
        ("DELETE", "/runbooks/demo/nope", "has no runbook"),
        ("GET", "/connections/demo/nope", "has no connection"),
        ("DELETE", "/connections/demo/nope", "has no connection"),
        ("POST", "/connections/demo/nope/test", "has no connection"),
        ("GET", "/credentials/demo/nope", "has no credential"),
        ("DELETE", "/credentials/demo/nope", "has no credential"),
        ("GET", "/nothing/here", "/docs lists"),
    ],
)
async def test_unknown_things(lone_caller: Caller, method: str, path: str, words: str) -> None:
    body = {"mode": "hil"} if "settings" in path else None
    assert_problem(await lone_caller.ask(method, path, body), 404, words)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("decision", {"decision": "approve", "plan_digest": "d"}),
        ("cancel", {}),
        ("rollback", {}),
        ("execute", {"runbook_id": "x"}),
    ],
)
async def test_unknown_ticket_for_every_move(lone_caller: Caller, what: str, body: dict[str, Any]) -> None:
    assert_problem(await lone_caller.post(f"{TICKETS}/nope/{what}", body), 404, "has no ticket 'nope'")


async def test_a_ticket_of_another_tenant_is_unknown(lone_caller: Caller) -> None:

    ticket_id = await lone_caller.file()
    async with lone_caller.context.database.write() as session:
        await add_tenant(session, "other")
    assert_problem(await lone_caller.get(f"/tickets/other/tickets/{ticket_id}"), 404, "has no ticket")


async def test_method_not_allowed(lone_caller: Caller) -> None:
    answer = await lone_caller.ask("DELETE", TICKETS)
    assert_problem(answer, 405, "DELETE is not possible here")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=burning", "status.0"),
        ("severity=huge", "severity.0"),
        ("classification=maybe", "classification.0"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=%27%3B--", "cursor"),
    ],
)
async def test_bad_filters(lone_caller: Caller, query: str, field: str) -> None:
    problem = assert_problem(await lone_caller.get(f"{TICKETS}?{query}"), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_bad_filter_names_the_accepted_ones(lone_caller: Caller) -> None:
    assert_problem(await lone_caller.get(f"{TICKETS}?status=burning"), 422, "'open'", "'escalated'")


async def test_nul_in_an_address(lone_caller: Caller) -> None:
    assert_problem(await lone_caller.get(f"{TICKETS}?q=%00"), 422, "NUL")
    assert_problem(await lone_caller.get(f"{TICKETS}/%00"), 422, "NUL")


async def test_decision_before_there_is_a_plan(lone_caller: Caller) -> None:
    ticket_id = await lone_caller.file()
    answer = await lone_caller.post(f"{TICKETS}/{ticket_id}/decision", {"decision": "approve", "plan_digest": "d"})
    assert assert_problem(answer, 409, "no plan yet")["plan"] is None
    assert_problem(await lone_caller.post(f"{TICKETS}/{ticket_id}/rollback"), 409, "nothing has been executed")


async def test_unknown_runbook_names_the_nearest(lone_caller: Caller) -> None:
    await lone_caller.add_runbook()
    ticket_id = await lone_caller.file()
    answer = await lone_caller.post(f"{TICKETS}/{ticket_id}/execute", {"runbook_id": "tuch-file"})
    assert_problem(answer, 404, "'tuch-file'", "did you mean touch-file?")


async def test_temporal_down_is_said_and_changes_nothing(lone_caller: Caller) -> None:
    await lone_caller.add_runbook()
    ticket_id = await lone_caller.file()
    for what, body in [("execute", {"runbook_id": "touch-file"}), ("cancel", {})]:
        answer = await lone_caller.post(f"{TICKETS}/{ticket_id}/{what}", body)
        assert_problem(answer, 503, "Temporal does not answer")
        assert answer.headers["retry-after"]
    assert (await lone_caller.ticket(ticket_id))["status"] == "open"


async def test_database_down_is_said(lone_caller: Caller) -> None:
    database = lone_caller.context.database
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE tickets RENAME TO elsewhere")
    assert_problem(await lone_caller.get(TICKETS), 503, "the database does not answer")


MAKE_PROBLEMS = {"Problem", "invalid", "_invalid", "_conflict", *(one.__name__ for one in STATUS_OF), "FieldProblem"}


def test_every_error_of_a_use_case_has_a_status() -> None:
    assert set(STATUS_OF) == set(ServiceError.__subclasses__())


def problem_words() -> Iterator[tuple[str, str]]:
    """Yield file, text for all that is written where a problem is made."""
    for path in [path for folder in ("api", "services") for path in (ROOT / folder).rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(call.func, "attr", getattr(call.func, "id", "")) if isinstance(call, ast.Call) else ""
            if name in MAKE_PROBLEMS:
                texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
                yield from ((path.name, text) for text in texts if isinstance(text, str))


def test_problems_name_what_to_do_and_not_its_verb_and_address() -> None:
    """The same words are read on a page, at the command line and from the API."""
    words = list(problem_words())
    assert len(words) > 50
    assert [one for one in words if re.search(r"\b(?:GET|POST|PUT|PATCH|DELETE)\b|/api/", one[1])] == []
