"""Looking at the plan that a runbook would get, before anybody asks for it."""

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from db.tables import EventRow, ExecutionRow
from tests.api.desk import TENANT, TOUCH, Desk
from tests.api.test_connections import HOST_KEY
from tests.api.test_problems import assert_problem

ANYWHERE = TOUCH.replace("id: touch-file", "id: anywhere").replace("target: local", "target: ci")


async def counts(desk: Desk) -> list[int]:
    async with desk.services.database.read() as session:
        return [
            (await session.scalars(select(func.count()).select_from(table))).one() for table in (ExecutionRow, EventRow)
        ]


async def test_a_preview_is_the_plan_that_execute_makes(busy_desk: Desk) -> None:
    ticket = await busy_desk.waiting_ticket()
    before = await counts(busy_desk)
    choice = {"runbook_id": "touch-file", "inputs": {"word": "it's $HOME", "count": 2}}
    answer = await busy_desk.post(busy_desk.at(ticket["id"], "/preview"), choice)
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert seen["inputs"] == {"word": "it's $HOME", "count": "2"}
    assert seen["policy"] == {"decision": "ask", "reasons": ["human-in-the-loop mode: every plan waits for approval"]}
    assert [step["name"] for step in seen["steps"]] == ["Make the file", "The file is there"]
    assert await counts(busy_desk) == before
    assert (await busy_desk.ticket(ticket["id"]))["plan"] == ticket["plan"]

    answer = await busy_desk.post(busy_desk.at(ticket["id"], "/execute"), choice)
    assert answer.status_code == 202, answer.text
    made = await busy_desk.until(ticket["id"], lambda one: one["plan"]["digest"] != ticket["plan"]["digest"])
    assert {name: made["plan"][name] for name in seen} == seen
    assert not (busy_desk.host / "made").exists()


async def test_what_stands_against_a_preview(busy_desk: Desk) -> None:
    await busy_desk.mode("hil")
    await busy_desk.add_runbook()
    await busy_desk.add_runbook(ANYWHERE)
    credential = {"name": "ops", "kind": "password", "password": "s3cret-word"}
    assert (await busy_desk.post(f"/credentials/{TENANT}", credential)).status_code == 201
    for name in ("web-01", "web-02"):
        body: dict[str, Any] = {
            "name": name,
            "host": "127.0.0.1",
            "username": "x",
            "credential": "ops",
            "host_key": HOST_KEY,
        }
        body["aliases"] = ["twin"]
        assert (await busy_desk.post(f"/connections/{TENANT}", body)).status_code == 201
    ticket_id = await busy_desk.file("Something is slow", metadata={"ci_name": "twin"})
    await busy_desk.until(ticket_id, lambda one: one["analysis"] is not None)
    path = busy_desk.at(ticket_id, "/preview")
    assert_problem(await busy_desk.post(path, {"runbook_id": "tuch-file"}), 404, "did you mean touch-file?")
    bad = {"runbook_id": "touch-file", "inputs": {"count": 99}}
    assert_problem(await busy_desk.post(path, bad), 422, "inputs.count")
    assert_problem(await busy_desk.post(path, {"runbook_id": "touch-file", "target": "web-09"}), 422, "web-01, web-02")
    assert_problem(await busy_desk.post(path, {"runbook_id": "anywhere"}), 409, "name the target")
    named = await busy_desk.post(path, {"runbook_id": "anywhere", "target": "web-02"})
    assert [target["name"] for target in named.json()["targets"]] == ["web-02"]
    missing = busy_desk.at("nothing-like-this", "/preview")
    assert_problem(await busy_desk.post(missing, {"runbook_id": "touch-file"}), 404, "no ticket")


async def test_a_preview_without_a_worker_says_so(desk: Desk) -> None:
    await desk.add_runbook()
    ticket_id = await desk.file()
    async with Desk.of(replace(desk.services, preview_seconds=0.2), desk.host) as hasty:
        answer = await hasty.post(hasty.at(ticket_id, "/preview"), {"runbook_id": "touch-file"})
    assert_problem(answer, 503, "./handrail worker")


async def test_a_preview_without_temporal_says_so(lone_desk: Desk) -> None:
    await lone_desk.add_runbook()
    ticket_id = await lone_desk.file()
    answer = await lone_desk.post(lone_desk.at(ticket_id, "/preview"), {"runbook_id": "touch-file"})
    assert_problem(answer, 503, "Temporal does not answer")
