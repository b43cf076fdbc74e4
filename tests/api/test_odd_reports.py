"""Reports whose fields are odd: a ticket comes of each, and only what says nothing at all is refused."""

import json
from typing import Any

import pytest

from domain.tickets.ticket import MAX_TITLE
from tests.api.caller import TENANT, Caller

PATH = f"/tickets/{TENANT}/tickets"
ODD: list[dict[str, Any]] = [
    *({"title": "disk", "severity": severity} for severity in ("warning", "P1", "1 - Critical", None, "", 3, "wibble")),
    {"title": "disk", "external_id": 4711, "description": None, "source": None, "environment": 7, "service": ["nginx"]},
    {"title": "", "labels": {"alertname": "DiskFull", "n": 1, "b": True, "z": None}},
    {"title": "t" * (MAX_TITLE + 1), "description": "d" * 100_001, "external_id": "k" * 201},
    {"title": "half \ud83d and \0", "labels": [{"tag": "host", "value": "web-01"}], "metadata": "text"},
    {"title": "deep", "metadata": json.loads("[" * 60 + "]" * 60), "unheard_of": {"field": "value"}},
    *({"title": "deeper", field: json.loads("[" * 900 + "]" * 900)} for field in ("metadata", "labels", "other")),
]


@pytest.mark.parametrize("body", ODD)
async def test_odd_fields_cost_no_report(lone_caller: Caller, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await lone_caller.ask("POST", PATH, content=json.dumps(body), headers=headers)
    assert answer.status_code == 202, answer.text
    ticket = await lone_caller.ticket(answer.json()["id"])
    assert ticket["title"]
    assert ticket["severity"] in ("critical", "medium")


async def test_what_was_made_fit_is_told(lone_caller: Caller) -> None:
    body = {"severity": "wibble", "labels": {"alertname": "DiskFull", "instance": "web-01:9100"}, "unheard_of": 1}
    ticket = (await lone_caller.post(PATH, body)).json()
    assert ticket["title"] == "DiskFull on web-01:9100"
    assert ticket["metadata"] == {"unheard_of": 1}
    [filed] = (await lone_caller.get(f"{PATH}/{ticket['id']}/timeline")).json()["items"]
    assert all(words in filed["text"] for words in ("'wibble' is not known here", "no title", "unheard_of"))


@pytest.mark.parametrize("body", [{}, {"severity": "high", "title": None}, {"labels": [], "metadata": {}}])
async def test_only_what_says_nothing_is_refused_by_its_field(lone_caller: Caller, body: dict[str, Any]) -> None:
    answer = await lone_caller.post(PATH, body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["title"]


async def test_every_report_is_shown_as_it_was(lone_caller: Caller) -> None:
    body = {"title": "disk", "source": "am", "external_id": "fp", "startsAt": "2026-11-30T10:00:00Z"}
    ticket = (await lone_caller.post(PATH, body)).json()
    again = await lone_caller.post(PATH, {**body, "severity": "P1", "labels": {"instance": "web-01"}})
    assert (again.status_code, again.json()["severity"], again.json()["occurrences"]) == (200, "critical", 2)
    page = (await lone_caller.get(f"{PATH}/{ticket['id']}/occurrences", params={"limit": 1})).json()
    assert [(one["severity"], one["labels"], one["became"]) for one in page["items"]] == [("medium", {}, "filed")]
    assert page["items"][0]["starts_at"] == ticket["firing_since"] == "2026-11-30T10:00:00Z"
    rest = (await lone_caller.get(f"{PATH}/{ticket['id']}/occurrences", params={"cursor": page["next_cursor"]})).json()
    assert [(one["severity"], one["labels"]) for one in rest["items"]] == [("critical", {"instance": "web-01"})]


@pytest.mark.parametrize("state", [{"status": "resolved"}, {"transition": "Recovered"}, {"alert": {"state": "ok"}}])
async def test_a_state_field_clears_and_text_never_does(lone_caller: Caller, state: dict[str, Any]) -> None:
    body = {"title": "disk", "source": "am", "external_id": "fp"}
    ticket = (await lone_caller.post(PATH, body)).json()
    told = await lone_caller.post(PATH, {**body, "title": "[RESOLVED] disk", "description": "status: resolved"})
    assert (told.json()["occurrences"], told.json()["cleared_at"]) == (2, None)
    mixed = {"metadata": {"host_state": "UP", "service_state": "CRITICAL"}}
    assert (await lone_caller.post(PATH, body | mixed)).json()["cleared_at"] is None
    cleared = await lone_caller.post(PATH, body | {"metadata": state})
    assert (cleared.status_code, cleared.json()["id"]) == (200, ticket["id"])
    assert cleared.json()["cleared_at"] is not None
