"""Closing as a false positive, reopening, and similar past tickets over the wire."""

from tests.api.caller import TOUCH, Caller
from tests.api.test_problems import assert_problem


async def test_close_then_reopen_and_similar_tickets(busy_caller: Caller) -> None:
    title = "The coffee machine is out of beans"
    first = await busy_caller.file(title)
    waiting = await busy_caller.status(first, "awaiting_runbook")
    assert waiting["similar_tickets"] == []
    assert_problem(await busy_caller.post(busy_caller.at(first, "/reopen")), 409, "only a closed one")
    body = {"false_positive": True, "comment": "tea will do"}
    assert (await busy_caller.post(busy_caller.at(first, "/cancel"), body)).status_code == 202
    closed = await busy_caller.status(first, "closed")
    assert (closed["classification"], closed["classification_confidence"]) == ("false_positive", 1.0)
    assert_problem(await busy_caller.post(busy_caller.at(first, "/cancel"), body), 409, "closed")

    second = await busy_caller.status(await busy_caller.file(title), "awaiting_runbook")
    assert "people closed 1 such ticket as false positive" in [one["text"] for one in second["analysis"]["reasons"]]
    [similar] = second["similar_tickets"]
    assert (similar["ticket_id"], similar["status"], similar["likeness"]) == (first, "closed", 1.0)
    assert "tea will do" in similar["status_reason"]

    answer = await busy_caller.post(busy_caller.at(first, "/reopen"), {"comment": "no, coffee"})
    assert answer.status_code == 202, answer.text
    again = await busy_caller.status(first, "awaiting_runbook")
    assert again["classification"] == "true_positive"
    assert again["analysis"]["reasons"][0]["text"] == "sam reopened it as a real problem"
    third = await busy_caller.status(await busy_caller.file(title), "awaiting_runbook")
    assert not any("people closed" in one["text"] for one in third["analysis"]["reasons"])


async def test_it_cannot_be_closed_while_it_executes(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket(TOUCH.replace("rollback: rm", "approval: required\n    rollback: rm"))
    await busy_caller.decide(ticket["id"])
    await busy_caller.until(ticket["id"], lambda found: found["waits_for_step"] is not None)
    answer = await busy_caller.post(busy_caller.at(ticket["id"], "/cancel"), {"false_positive": True})
    assert_problem(answer, 409, "cancel it, or wait for its end")
    assert (await busy_caller.post(busy_caller.at(ticket["id"], "/cancel"))).status_code == 202
    await busy_caller.status(ticket["id"], "cancelled")
