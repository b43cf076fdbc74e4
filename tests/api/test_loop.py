"""However long a document from outside takes to read, everybody else is answered meanwhile."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain.runbooks.text import parse_runbook
from domain.text.storable import MAX_PARTS
from domain.tickets.ticket import MAX_DESCRIPTION
from tests.api.caller import TENANT, TOUCH, Caller
from tests.documents import HEAD, largest, numbered
from tests.hostile import SIZE

PATIENCE_SECONDS = 60.0
YAML = {"Content-Type": "application/yaml"}


def as_json() -> str:
    return parse_runbook(largest()).model_dump_json(by_alias=True, exclude_defaults=True)


REQUESTS: dict[str, tuple[str, str, Callable[[], dict[str, Any]]]] = {  # -> what reads it, address, the rest
    "YAML": (
        "services.runbooks.read_runbook",
        f"/api/v1/runbooks/{TENANT}/validate",
        lambda: {"content": largest(), "headers": YAML},
    ),
    "as many problems as fit": (
        "services.runbooks.read_runbook",
        f"/api/v1/runbooks/{TENANT}",
        lambda: {"content": f"{HEAD}steps:\n" + numbered("  - {name: a, run: b}\n", 1_400), "headers": YAML},
    ),
    "a version, as JSON": (
        "services.runbooks.read_runbook",
        f"/api/v1/runbooks/{TENANT}/another",
        lambda: {"content": as_json(), "headers": {"Content-Type": "application/json"}},
    ),
    "a page's form": (
        "services.runbooks.read_runbook",
        f"/t/{TENANT}/new-runbook",
        lambda: {"data": {"text": f"{HEAD}steps:\n" + numbered("  - {name: a, run: b}\n", 1_400)}},
    ),
    "JSON of the most parts": (
        "api.bodies._check_json",
        f"/api/v1/match/{TENANT}",
        lambda: {"json": {"title": [0] * (MAX_PARTS - 3)}},
    ),
    "a report of many parts": (
        "services.filing.read_report",
        f"/api/v1/tickets/{TENANT}/tickets",
        lambda: {"json": {"title": "x", "metadata": {"a": [[0]] * (MAX_PARTS - 3)}}},
    ),
    "a long text to explain": (
        "services.library.analyse",
        f"/api/v1/match/{TENANT}",
        lambda: {"json": {"title": "x", "description": "1," * (MAX_DESCRIPTION // 2)}},
    ),
    "a long text to match": (
        "services.library.extract_ci",
        f"/api/v1/match/{TENANT}",
        lambda: {"json": {"title": "x", "description": "a." * (SIZE // 2)}},
    ),
}


async def meanwhile(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, reader: str, request: Callable[[], Any]
) -> httpx.Response:
    """Send a request; it is only read to its end once `/healthz` has answered beside it."""
    reads, answered = threading.Event(), threading.Event()
    module, _, name = reader.rpartition(".")
    real = getattr(__import__(module, fromlist=[name]), name)

    def reading(*given: Any, **named: Any) -> Any:
        reads.set()
        try:
            return real(*given, **named)
        finally:
            assert answered.wait(PATIENCE_SECONDS), f"nobody was answered while {reader} read"

    monkeypatch.setattr(reader, reading)
    sent = asyncio.ensure_future(request())
    begun = asyncio.ensure_future(asyncio.to_thread(reads.wait, PATIENCE_SECONDS))
    await asyncio.wait({sent, begun}, return_when=asyncio.FIRST_COMPLETED)
    assert (await caller.client.get("/healthz")).status_code == 200
    answered.set()
    response: httpx.Response = await sent
    was_read = reads.is_set()
    reads.set()
    assert was_read, response.text
    return response


@pytest.mark.parametrize("what", REQUESTS)
async def test_others_are_answered_meanwhile(lone_caller: Caller, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    reader, address, more = REQUESTS[what]
    given = more()
    answer = await meanwhile(lone_caller, monkeypatch, reader, lambda: lone_caller.client.post(address, **given))
    assert answer.status_code in (200, 202, 422)
    if answer.status_code == 422 and what != "a page's form":
        assert 1 <= len(answer.json()["errors"]) <= 20


async def test_a_difference_is_drawn_meanwhile(lone_caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for lines in ("\n" * 50_000, "# a\n#\n" * 20_000):
        text = TOUCH.replace("Make the file that", f"{len(lines)} that") + lines
        assert (await lone_caller.ask("POST", f"/runbooks/{TENANT}", text)).status_code == 201
    page = f"/t/{TENANT}/runbooks/touch-file?against=1"
    answer = await meanwhile(
        lone_caller, monkeypatch, "services.runbook_look.difference", lambda: lone_caller.client.get(page)
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"labels": {str(number): number for number in range(20_000)}}, {"labels": [0], **{str(n): 0 for n in range(999)}}],
)
async def test_at_most_20_problems_of_a_body(lone_caller: Caller, body: dict[str, Any]) -> None:
    answer = await lone_caller.ask("POST", f"/match/{TENANT}", {"title": "x", **body})
    assert answer.status_code == 422
    assert 1 <= len(answer.json()["errors"]) <= 20


async def test_parts_of_a_body(lone_caller: Caller) -> None:
    answer = await lone_caller.ask("POST", f"/match/{TENANT}", {"title": [0] * MAX_PARTS})
    assert answer.status_code == 422
    assert f"more than {MAX_PARTS} parts" in answer.json()["detail"]


async def test_fields_of_a_form(lone_caller: Caller) -> None:
    answer = await lone_caller.client.post(f"/t/{TENANT}/new-runbook", data={f"f{n}": "x" for n in range(400)})
    assert answer.status_code == 413
