"""Looking at the plan that a runbook would get, before anybody asks for it."""

from typing import Any

from sqlalchemy import func, select

from db.tables import EventRow, ExecutionRow
from tests.api.caller import TENANT, TOUCH, Caller
from tests.api.test_connections import HOST_KEY
from tests.api.test_problems import assert_problem

ANYWHERE = TOUCH.replace("id: touch-file", "id: anywhere").replace("target: local", "target: ci")


async def counts(caller: Caller) -> list[int]:
    async with caller.context.database.read() as session:
        return [
            (await session.scalars(select(func.count()).select_from(table))).one() for table in (ExecutionRow, EventRow)
        ]


async def test_a_preview_is_the_plan_that_execute_makes(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    before = await counts(busy_caller)
    choice = {"runbook_id": "touch-file", "inputs": {"word": "it's $HOME", "count": 2}}
    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/preview"), choice)
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert seen["inputs"] == {"word": "it's $HOME", "count": "2"}
    assert seen["policy"] == {"decision": "ask", "reasons": ["human-in-the-loop mode: every plan waits for approval"]}
    assert [step["name"] for step in seen["steps"]] == ["Make the file", "The file is there"]
    assert await counts(busy_caller) == before
    assert (await busy_caller.ticket(ticket["id"]))["plan"] == ticket["plan"]

    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/execute"), choice)
    assert answer.status_code == 202, answer.text
    made = await busy_caller.until(ticket["id"], lambda one: one["plan"]["digest"] != ticket["plan"]["digest"])
    assert {name: made["plan"][name] for name in seen} == seen
    assert not (busy_caller.host / "made").exists()


async def test_what_stands_against_a_preview(busy_caller: Caller) -> None:
    await busy_caller.mode("hil")
    await busy_caller.add_runbook()
    await busy_caller.add_runbook(ANYWHERE)
    credential = {"name": "ops", "kind": "password", "password": "s3cret-word"}
    assert (await busy_caller.post(f"/credentials/{TENANT}", credential)).status_code == 201
    for name in ("web-01", "web-02"):
        body: dict[str, Any] = {
            "name": name,
            "host": "127.0.0.1",
            "username": "x",
            "credential": "ops",
            "host_key": HOST_KEY,
        }
        body["aliases"] = ["twin"]
        assert (await busy_caller.post(f"/connections/{TENANT}", body)).status_code == 201
    ticket_id = await busy_caller.file("Something is slow", metadata={"ci_name": "twin"})
    await busy_caller.until(ticket_id, lambda one: one["analysis"] is not None)
    path = busy_caller.at(ticket_id, "/preview")
    assert_problem(await busy_caller.post(path, {"runbook_id": "tuch-file"}), 404, "did you mean touch-file?")
    bad = {"runbook_id": "touch-file", "inputs": {"count": 99}}
    assert_problem(await busy_caller.post(path, bad), 422, "inputs.count")
    assert_problem(
        await busy_caller.post(path, {"runbook_id": "touch-file", "target": "web-09"}), 422, "web-01, web-02"
    )
    assert_problem(await busy_caller.post(path, {"runbook_id": "anywhere"}), 409, "name the target")
    named = await busy_caller.post(path, {"runbook_id": "anywhere", "target": "web-02"})
    assert [target["name"] for target in named.json()["targets"]] == ["web-02"]
    missing = busy_caller.at("nothing-like-this", "/preview")
    assert_problem(await busy_caller.post(missing, {"runbook_id": "touch-file"}), 404, "no ticket")


async def test_a_preview_needs_neither_temporal_nor_a_worker(lone_caller: Caller) -> None:
    await lone_caller.add_runbook()
    ticket_id = await lone_caller.file()
    answer = await lone_caller.post(lone_caller.at(ticket_id, "/preview"), {"runbook_id": "touch-file"})
    assert answer.status_code == 200, answer.text
    assert [step["name"] for step in answer.json()["steps"]] == ["Make the file", "The file is there"]
