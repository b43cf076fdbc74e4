"""Each part of what comes from outside is bounded, and no name can be taken for an option, a line or another's."""

from itertools import product
from typing import Any

from domain.connections.connection import Connection
from domain.sources.reports import Report
from domain.tickets.ticket import MAX_ENTRIES, MAX_KEY, MAX_LABEL, MAX_METADATA
from tests.api.caller import TENANT, Caller

SSH = {"name": "odd", "host": "192.0.2.1", "username": "ops", "credential": "key"}


NO_NAMES = ("-oProxyCommand=x", "a\nb", "a\x1b[2J", "a\u202eb", "a\u200b", "x" * 3_000, "\t")
FIELDS = ("username", "host", "aliases", "tags", "credential", "name", "host_key")
NO_OPTIONS = ("aliases", "tags", "host_key")  # compared and shown, so a dash in front means nothing


async def test_fields_of_a_connection(lone_caller: Caller) -> None:
    for field, text in product(FIELDS, NO_NAMES):
        if field in NO_OPTIONS and text.startswith("-"):
            continue
        given = [text] if field in ("aliases", "tags") else text
        answer = await lone_caller.ask("POST", f"/connections/{TENANT}", {**SSH, field: given})
        assert answer.status_code == 422, (field, text, answer.text)
        assert answer.json()["errors"][0]["field"].startswith(field), (field, text)


async def test_user_names_that_there_are(lone_caller: Caller) -> None:
    for username in ("root", "_apt", "CORP\\ops", "ops@example.com", "host$", "a.b-c+d"):
        answer = await lone_caller.ask("POST", f"/connections/{TENANT}", {**SSH, "username": username})
        assert [one["field"] for one in answer.json()["errors"]] == ["credential"], username  # there is none yet


async def test_user_name_of_a_credential(lone_caller: Caller) -> None:
    new = {"name": "c", "kind": "password", "password": "x" * 20, "username": "-l root"}
    answer = await lone_caller.ask("POST", f"/credentials/{TENANT}", new)
    assert answer.json()["errors"][0]["field"] == "username"


def test_a_connection_stored_before_these_rules_can_be_read() -> None:
    Connection.model_validate({**SSH, "username": "-odd", "aliases": ["a\u200b"]})


TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    ("labels", {"a": "x" * (MAX_LABEL + 1)}),
    ("labels", {"x" * (MAX_KEY + 1): "a"}),
    ("labels", {"": "a"}),
    ("labels", {str(number): "a" for number in range(MAX_ENTRIES + 1)}),
    ("metadata", {"a": "x" * (MAX_METADATA + 1)}),
    ("metadata", {"a": ["x" * 100] * 700}),
    ("metadata", {"x" * (MAX_KEY + 1): 1}),
    ("metadata", {str(number): 1 for number in range(MAX_ENTRIES + 1)}),
]


async def test_labels_and_metadata_of_a_question_are_refused_and_of_a_report_cut(lone_caller: Caller) -> None:
    for field, value in TOO_MUCH:
        body = {"title": "x", field: value}
        refused = await lone_caller.ask("POST", f"/match/{TENANT}", body)
        assert refused.status_code == 422
        assert {one["field"].partition(".")[0] for one in refused.json()["errors"]} == {field}
        taken = await lone_caller.ask("POST", f"/tickets/{TENANT}/tickets", body)
        assert taken.status_code == 202
        Report.model_validate({"title": "x", "source": "x", field: taken.json()[field]})
