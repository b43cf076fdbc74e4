"""Signed inputs for Temporal's own UI and CLI: under a token, for what waits now, and counted once."""

import shlex

from tests.api.caller import KIM, Caller
from tests.stack import Stack


async def test_a_signed_decision_counts_when_it_is_sent_and_not_before(busy_caller: Caller, stack: Stack) -> None:
    ticket = await busy_caller.waiting_ticket()
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"], "comment": "it's fine"}
    headers = {"Authorization": f"Bearer {KIM}"}
    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/decision/signed"), body, headers=headers)
    assert answer.status_code == 200, answer.text
    signed = answer.json()
    words = shlex.split(signed["command"])
    assert words[:3] == ["temporal", "workflow", "signal"]
    assert signed["workflow_id"] in words
    assert (await busy_caller.ticket(ticket["id"]))["status"] == "awaiting_approval"

    handle = stack.client.get_workflow_handle(signed["workflow_id"])
    await handle.signal(signed["signal"], signed["input"])
    after = await busy_caller.status(ticket["id"], "resolved")
    assert [(one["actor"], one["result"]) for one in after["decisions"]] == [("kim", "accepted")]
    assert "signature" not in after["decisions"][0], "it is nobody's business any more"


async def test_a_signed_cancel_counts_when_it_is_sent(busy_caller: Caller, stack: Stack) -> None:
    ticket = await busy_caller.waiting_ticket()
    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/cancel/signed"), {"comment": "enough"})
    assert answer.status_code == 200, answer.text
    signed = answer.json()
    assert (await busy_caller.ticket(ticket["id"]))["status"] == "awaiting_approval"
    await stack.client.get_workflow_handle(signed["workflow_id"]).signal(signed["signal"], signed["input"])
    assert (await busy_caller.status(ticket["id"], "cancelled"))["status_reason"] == "cancelled by sam: enough"


async def test_nothing_is_signed_without_a_token_or_for_what_does_not_wait(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket()
    where = busy_caller.at(ticket["id"])
    body = {"decision": "approve", "plan_digest": ticket["plan"]["digest"]}
    stranger = {"Authorization": "Bearer none-of-the-tokens"}
    for what in ("/decision/signed", "/cancel/signed"):
        assert (await busy_caller.post(where + what, body, headers=stranger)).status_code == 401
    stale = await busy_caller.post(f"{where}/decision/signed", body | {"plan_digest": "0" * 64})
    assert stale.status_code == 409
    assert stale.json()["plan"]["digest"] == ticket["plan"]["digest"]
    await busy_caller.decide(ticket["id"])
    await busy_caller.status(ticket["id"], "resolved")
    assert (await busy_caller.post(f"{where}/decision/signed", body)).status_code == 409
    assert (await busy_caller.post(f"{where}/cancel/signed", {})).status_code == 409
