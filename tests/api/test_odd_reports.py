"""Reports whose fields are odd: a ticket comes of each, and only what says nothing at all is refused."""

import json
from typing import Any

import pytest

from domain.ticket import MAX_TITLE
from tests.api.caller import TENANT, Caller

PATH = f"/tickets/{TENANT}/tickets"
ODD: list[dict[str, Any]] = [
    *({"title": "disk", "severity": severity} for severity in ("warning", "P1", "1 - Critical", None, "", 3, "wibble")),
    {"title": "disk", "external_id": 4711, "description": None, "source": None, "environment": 7, "service": ["nginx"]},
    {"title": "", "labels": {"alertname": "DiskFull", "n": 1, "b": True, "z": None}},
    {"title": "t" * (MAX_TITLE + 1), "description": "d" * 100_001, "external_id": "k" * 201},
    {"title": "half \ud83d and \0", "labels": [{"tag": "host", "value": "web-01"}], "metadata": "text"},
    {"title": "deep", "metadata": json.loads("[" * 60 + "]" * 60), "unheard_of": {"field": "value"}},
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
