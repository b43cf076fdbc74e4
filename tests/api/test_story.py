"""A ticket's whole way through the API, with a worker and real commands."""

import asyncio

import pytest

from tests.api.caller import KIM, Caller


async def test_approved_plan_runs_and_resolves(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    plan = ticket["plan"]
    assert plan["policy"]["decision"] == "ask"
    assert plan["steps"][0]["run"].startswith("echo")
    assert plan["steps"][0]["rollback"]["run"].startswith("rm -f")
    assert not (busy_caller.host / "made").exists()

    answer = await busy_caller.decide(ticket["id"], comment="looks right")

    assert answer.status_code == 200, answer.text
    recorded = answer.json()
    assert (recorded["result"], recorded["actor"], recorded["comment"]) == ("accepted", "sam", "looks right")
    ticket = await busy_caller.status(ticket["id"], "resolved")
    assert (busy_caller.host / "made").read_text() == "hello\n"
    [execution] = ticket["executions"]
    assert execution["status"] == "succeeded"
    assert [step["status"] for step in execution["steps"]] == ["succeeded", "succeeded"]
    assert ticket["resolved_at"] is not None
    assert [one["decision"] for one in ticket["decisions"]] == ["approve"]


async def test_step_outputs(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    execution_id = ticket["plan"]["execution_id"]
    path = f"/executions/demo/{execution_id}"
    before = await busy_caller.get(f"{path}/steps/1/output")
    assert (before.status_code, before.json()["stdout"]) == (200, "")
    await busy_caller.decide(ticket["id"])
    await busy_caller.status(ticket["id"], "resolved")

    one = (await busy_caller.get(path)).json()
    assert one["id"] == execution_id
    assert one["plan_digest"] == ticket["plan"]["digest"]
    output = (await busy_caller.get(f"{path}/steps/1/output")).json()
    assert (output["stdout"], output["is_complete"]) == ("done with hello\n", True)
    plain = await busy_caller.get(f"{path}/steps/1/output", headers={"Accept": "text/plain"})
    assert plain.text == "done with hello\n"
    assert (await busy_caller.get(f"{path}/steps/9/output")).status_code == 404
    assert (await busy_caller.get(f"{path}/steps/2/output", params={"rollback": "true"})).status_code == 404


async def test_rejected_plan_runs_nothing(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    answer = await busy_caller.decide(ticket["id"], "reject", comment="not today")
    assert answer.status_code == 200, answer.text
    ticket = await busy_caller.status(ticket["id"], "rejected")
    assert "not today" in ticket["status_reason"]
    assert not (busy_caller.host / "made").exists()


async def test_twenty_approvals_at_once_start_one_execution(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    answers = await asyncio.gather(*(busy_caller.decide(ticket["id"]) for _ in range(20)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * 19, [answer.text for answer in answers]
    await busy_caller.status(ticket["id"], "resolved")
    assert (busy_caller.host / "made").read_text() == "hello\n"
    assert len((await busy_caller.ticket(ticket["id"]))["executions"]) == 1


async def test_stale_digest_gets_the_current_plan(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    old = ticket["plan"]["digest"]
    await busy_caller.add_runbook(busy_caller.runbook().replace("default: hello", "default: changed"))
    changed = await busy_caller.until(ticket["id"], lambda now: now["plan"]["digest"] != old)
    assert changed["status"] == "awaiting_approval"

    answer = await busy_caller.post(
        busy_caller.at(ticket["id"], "/decision"), {"decision": "approve", "plan_digest": old}
    )

    assert answer.status_code == 409
    problem = answer.json()
    assert problem["result"] == "stale"
    assert problem["plan"]["digest"] == changed["plan"]["digest"]
    assert problem["plan"]["inputs"]["word"] == "changed"
    assert (await busy_caller.decide(ticket["id"])).status_code == 200
    await busy_caller.status(ticket["id"], "resolved")
    assert (busy_caller.host / "made").read_text() == "changed\n"


async def test_decision_on_a_decided_plan_says_who_was_first(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    assert (await busy_caller.decide(ticket["id"])).status_code == 200
    await busy_caller.status(ticket["id"], "resolved")
    late = await busy_caller.client.post(
        f"/api/v1{busy_caller.at(ticket['id'], '/decision')}",
        json={"decision": "reject", "plan_digest": ticket["plan"]["digest"]},
        headers={"Authorization": f"Bearer {KIM}"},
    )
    assert late.status_code == 409
    assert "sam approved this plan already" in late.json()["detail"]
    assert late.json()["plan"]["digest"] == ticket["plan"]["digest"]


async def test_the_same_decision_sent_twice_is_one(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    headers = {"Idempotency-Key": "approve-1"}
    path = busy_caller.at(ticket["id"], "/decision")
    first = await busy_caller.post(path, body, headers=headers)
    again = await busy_caller.post(path, body, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    await busy_caller.status(ticket["id"], "resolved")
    assert len((await busy_caller.ticket(ticket["id"]))["decisions"]) == 1


async def test_execute_while_an_execution_runs(busy_caller: Caller) -> None:
    release = busy_caller.host / "release"
    slow = busy_caller.runbook().replace("echo done", f"while ! test -e {release}; do sleep 0.05; done; echo done")
    ticket = await busy_caller.waiting_ticket()
    await busy_caller.add_runbook(slow)
    await busy_caller.until(ticket["id"], lambda now: now["plan"]["digest"] != ticket["plan"]["digest"])
    assert (await busy_caller.decide(ticket["id"])).status_code == 200
    await busy_caller.status(ticket["id"], "executing")
    refused = await busy_caller.post(busy_caller.at(ticket["id"], "/execute"), {"runbook_id": "touch-file"})
    assert refused.status_code == 409
    assert "cancel it first" in refused.json()["detail"]
    release.touch()
    await busy_caller.status(ticket["id"], "resolved")


async def test_rollback_once(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    await busy_caller.decide(ticket["id"])
    await busy_caller.status(ticket["id"], "resolved")
    undo = busy_caller.at(ticket["id"], "/rollback")
    answer = await busy_caller.post(undo, {"comment": "wrong host"})
    assert answer.status_code == 202, answer.text
    ticket = await busy_caller.until(ticket["id"], lambda now: now["executions"][0]["status"] == "rolled_back")
    step = ticket["executions"][0]["steps"][0]
    assert (step["status"], step["rollback"]["status"], step["rollback"]["position"]) == (
        "rolled_back",
        "rolled_back",
        1,
    )
    assert not (busy_caller.host / "made").exists()
    again = await busy_caller.post(undo)
    assert again.status_code == 409
    assert "rolled back already" in again.json()["detail"]
    assert (busy_caller.host / "undone").read_text() == "hello\n"


async def test_cancel_while_it_waits(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/cancel"), {"comment": "false alarm"})
    assert answer.status_code == 202, answer.text
    ticket = await busy_caller.status(ticket["id"], "cancelled")
    assert ticket["status_reason"] == "cancelled by sam: false alarm"
    again = await busy_caller.post(busy_caller.at(ticket["id"], "/cancel"))
    assert again.status_code == 409
    assert "cancelled" in again.json()["detail"]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [({"count": "many"}, "inputs.count"), ({"count": 10}, "inputs.count"), ({"nope": 1}, "inputs.nope")],
)
async def test_wrong_inputs_name_themselves(busy_caller: Caller, inputs: dict[str, object], field: str) -> None:
    ticket = await busy_caller.waiting_ticket()
    answer = await busy_caller.post(
        busy_caller.at(ticket["id"], "/execute"), {"runbook_id": "touch-file", "inputs": inputs}
    )
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
