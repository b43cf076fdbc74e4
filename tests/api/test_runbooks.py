"""Runbooks over the wire: versions, retiring, and every problem with its line and mend."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from db.tables import RunbookRow
from domain.runbooks.runbook import Runbook
from domain.runbooks.text import parse_runbook
from tests.api.caller import TENANT, TOUCH, Caller
from tests.api.test_problems import assert_problem

PATH = f"/runbooks/{TENANT}"

BAD = {
    "an unknown field": (TOUCH.replace("risk: low", "risk: low\ncolour: red"), "colour", "is"),
    "a duplicate step name": (
        TOUCH.replace("postchecks:", "  - name: Make the file\n    run: 'true'\n    no_rollback: none\npostchecks:"),
        "steps[1].name",
        "",
    ),
    "an output that no earlier step registers": (
        TOUCH.replace('run: echo "$word" >>', 'run: echo "$never" >>'),
        "steps[0].run",
        "never",
    ),
}


MARKS = dict(zip(BAD, ("colour", "- name: Make the file", "$never"), strict=True))


def last_line_of(text: str, words: str) -> int:
    return max(number for number, line in enumerate(text.splitlines(), 1) if words in line)


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/validate", f"{PATH}/touch-file"])
async def test_a_bad_runbook_names_line_and_mend(lone_caller: Caller, what: str, path: str) -> None:
    text, field, words = BAD[what]
    problem = assert_problem(await lone_caller.post(path, text), 422, words)
    [found] = problem["problems"]
    assert found["field"] == field
    assert found["mend"]
    assert found["line"] == last_line_of(text, MARKS[what])
    assert problem["errors"] == problem["problems"]
    assert (await lone_caller.get(PATH)).json()["items"] == []


async def test_versions(lone_caller: Caller) -> None:
    first = await lone_caller.post(PATH, TOUCH)
    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert first.json()["text"] == TOUCH
    assert first.json()["created_by"] == "sam"
    same = await lone_caller.post(PATH, TOUCH + "# a comment changes nothing\n")
    assert (same.status_code, same.json()["version"]) == (200, 1)
    second = await lone_caller.post(f"{PATH}/touch-file", TOUCH.replace("hello", "world"))
    assert (second.status_code, second.json()["version"]) == (201, 2)
    assert [one["version"] for one in second.json()["versions"]] == [2, 1]

    old = (await lone_caller.get(f"{PATH}/touch-file", params={"version": 1})).json()
    assert old["runbook"]["inputs"]["word"]["default"] == "hello"
    assert (await lone_caller.get(f"{PATH}/touch-file")).json()["runbook"]["inputs"]["word"]["default"] == "world"
    assert_problem(await lone_caller.get(f"{PATH}/touch-file", params={"version": 9}), 404, "version 9")


async def test_json_is_as_good(lone_caller: Caller) -> None:
    document = parse_runbook(TOUCH).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    answer = await lone_caller.post(PATH, document)
    assert answer.status_code == 201, answer.text
    assert json.loads(answer.json()["text"]) == document
    assert (await lone_caller.post(PATH, TOUCH)).status_code == 200


async def test_what_is_neither_yaml_nor_json(lone_caller: Caller) -> None:
    async def send(kind: str) -> httpx.Response:
        return await lone_caller.post(PATH, content=TOUCH.encode(), headers={"Content-Type": kind})

    assert_problem(await send("text/html"), 415, "application/yaml")
    for kind in ("application/yaml; charset=utf-8", "text/yaml", "application/x-yaml"):
        assert (await send(kind)).status_code in (200, 201)


async def test_unreadable_texts(lone_caller: Caller) -> None:
    for content in (b"", b"\xff\xfe", b"a: [", b"- 1", b"x: &a [*a]"):
        answer = await lone_caller.post(PATH, content=content, headers={"Content-Type": "application/yaml"})
        assert assert_problem(answer, 422)["problems"][0]["mend"]
    huge = TOUCH.replace("risk: low", "risk: low\nversion: 99999999999")
    assert_problem(await lone_caller.post(PATH, huge), 422, "version")
    nul = TOUCH.replace("Make the file that the service misses", '"a\\0b"')
    assert_problem(await lone_caller.post(PATH, nul), 422, "NUL")


async def test_another_id_than_the_address(lone_caller: Caller) -> None:
    problem = assert_problem(await lone_caller.post(f"{PATH}/other", TOUCH), 422, "touch-file", "other")
    assert problem["problems"][0]["mend"] == "write `id: other`"


async def test_validate_stores_nothing(lone_caller: Caller) -> None:
    answer = await lone_caller.post(f"{PATH}/validate", TOUCH)
    assert (answer.status_code, answer.json()["valid"]) == (200, True)
    assert (await lone_caller.get(PATH)).json()["items"] == []


async def test_retire_and_bring_back(lone_caller: Caller) -> None:
    await lone_caller.post(PATH, TOUCH)
    assert (await lone_caller.ask("DELETE", f"{PATH}/touch-file")).status_code == 204
    assert_problem(await lone_caller.ask("DELETE", f"{PATH}/touch-file"), 404, "in use")
    assert (await lone_caller.get(PATH)).json()["items"] == []
    [retired] = (await lone_caller.get(PATH, params={"with_retired": True})).json()["items"]
    assert retired["retired_at"] is not None
    ticket_id = await lone_caller.file()
    answer = await lone_caller.post(lone_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})
    assert_problem(answer, 404, "no runbook 'touch-file' in use")
    back = await lone_caller.post(PATH, TOUCH)
    assert (back.status_code, back.json()["version"]) == (201, 2)
    assert len((await lone_caller.get(PATH)).json()["items"]) == 1


async def test_pages(lone_caller: Caller) -> None:
    for name in "cab":
        await lone_caller.post(PATH, TOUCH.replace("touch-file", name))
    first: dict[str, Any] = (await lone_caller.get(PATH, params={"limit": 2})).json()
    assert [one["id"] for one in first["items"]] == ["a", "b"]
    second = (await lone_caller.get(PATH, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert ([one["id"] for one in second["items"]], second["next_cursor"]) == (["c"], None)


async def test_schema_for_editors(lone_caller: Caller) -> None:
    schema = (await lone_caller.get("/runbook-schema")).json()
    assert schema["$schema"].endswith("2020-12/schema")
    assert "register" in schema["$defs"]["Step"]["properties"]


async def store_old(caller: Caller, **fields: Any) -> None:
    """Store the runbook as an older Handrail took it, with these fields in its document."""
    await caller.add_runbook()
    async with caller.context.database.write() as session:
        row = (await session.scalars(select(RunbookRow))).one()
        row.document = row.document | fields
        row.digest = Runbook.model_validate(row.document).content_digest()


LOOKS_AROUND = {"inputs": {"word": {"type": "string", "default": "hello", "pattern": "(?!bye)[a-z]+"}}}


async def test_an_old_runbook_stays_readable_and_says_what_it_needs(lone_caller: Caller) -> None:
    await store_old(lone_caller, **LOOKS_AROUND)
    shown = (await lone_caller.get(f"{PATH}/touch-file")).json()
    [why] = shown["needs_changes"]
    assert why.startswith("inputs.word.pattern looks around")
    assert [one["needs_changes"] for one in (await lone_caller.get(PATH)).json()["items"]] == [[why]]
    login = {"Accept": "text/html"}
    page = await lone_caller.client.get(f"/t/{TENANT}/runbooks/touch-file", headers=login)
    assert "It needs changes before it can run" in page.text
    assert "inputs.word.pattern looks around" in page.text
    assert "needs changes" in (await lone_caller.client.get(f"/t/{TENANT}/runbooks", headers=login)).text
    mended = await lone_caller.post(PATH, lone_caller.runbook())
    assert (mended.status_code, mended.json()["version"], mended.json()["needs_changes"]) == (201, 2, [])


async def test_no_plan_is_made_of_a_runbook_that_needs_changes(busy_caller: Caller) -> None:
    await store_old(busy_caller, **LOOKS_AROUND)
    ticket_id = await busy_caller.file("Something else entirely")
    await busy_caller.status(ticket_id, "awaiting_runbook")
    preview = await busy_caller.post(busy_caller.at(ticket_id, "/preview"), {"runbook_id": "touch-file"})
    assert_problem(preview, 409, "touch-file v1 needs changes before it can run", "looks around")
    execute = await busy_caller.post(busy_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})
    assert_problem(execute, 409, "touch-file v1 needs changes before it can run", "looks around")
    assert (await busy_caller.ticket(ticket_id))["plan"] is None


async def test_a_match_that_needs_changes_asks_a_person(busy_caller: Caller) -> None:
    await busy_caller.mode("auto", confidence_threshold=0.05)
    await store_old(busy_caller, **LOOKS_AROUND)
    ticket_id = await busy_caller.file()
    ticket = await busy_caller.status(ticket_id, "awaiting_runbook")
    assert "touch-file v1 needs changes before it can run" in ticket["status_reason"]


async def test_no_value_for_an_input_makes_its_pattern_take_long(busy_caller: Caller) -> None:
    pattern = TOUCH.replace("max_length: 20", "max_length: 60000, pattern: '(a+)+b?|hello'")
    await busy_caller.add_runbook(pattern)
    ticket_id = await busy_caller.file("Something else entirely")
    choice = {"runbook_id": "touch-file", "inputs": {"word": "a" * 50_000 + "!"}}
    for what in ("/preview", "/execute"):
        assert_problem(await busy_caller.post(busy_caller.at(ticket_id, what), choice), 422, "must match (a+)+b?")


async def test_near_duplicates_are_told(lone_caller: Caller) -> None:
    await lone_caller.add_runbook()
    [alone] = (await lone_caller.get(PATH)).json()["items"]
    assert alone["duplicates"] == []
    stored = await lone_caller.post(PATH, lone_caller.runbook(TOUCH.replace("id: touch-file", "id: touch-again")))
    assert [one["runbook_id"] for one in stored.json()["duplicates"]] == ["touch-file"]
    items = (await lone_caller.get(PATH)).json()["items"]
    assert {one["id"]: [other["runbook_id"] for other in one["duplicates"]] for one in items} == {
        "touch-again": ["touch-file"],
        "touch-file": ["touch-again"],
    }
    assert (await lone_caller.ask("DELETE", f"{PATH}/touch-again")).status_code == 204
    assert (await lone_caller.get(f"{PATH}/touch-file")).json()["duplicates"] == []
