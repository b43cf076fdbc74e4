"""Who holds the host that a ticket waits for, what for, since when, and how many wait behind a question."""

from datetime import datetime

from tests.api.caller import Caller
from tests.api.test_steps_that_wait import begun


async def queued(caller: Caller) -> str:
    """Return a ticket, approved, that waits for the host."""
    ticket_id = await caller.file()
    ticket = await caller.status(ticket_id, "awaiting_approval", "awaiting_runbook")
    if ticket["plan"] is None:  # matching left the choice to a person
        await caller.post(caller.at(ticket_id, "/execute"), {"runbook_id": "gates"})
        await caller.status(ticket_id, "awaiting_approval")
    assert (await caller.decide(ticket_id)).status_code == 200
    await caller.until(ticket_id, lambda now: now["queue"] is not None)
    return ticket_id


async def test_a_waiting_ticket_says_who_holds_its_host_and_for_what(busy_caller: Caller) -> None:
    holder, _ = await begun(busy_caller)
    first, second = await queued(busy_caller), await queued(busy_caller)

    held = (await busy_caller.ticket(holder))["queue"]
    assert (held["is_held"], held["hosts"], held["in_front"]) == (True, ["local"], [])
    assert (held["ahead"], held["behind"]) == (0, 2)

    waiting = (await busy_caller.ticket(second))["queue"]
    assert (waiting["is_held"], waiting["ahead"], waiting["behind"]) == (False, 2, 0)
    [front] = waiting["in_front"]
    assert (front["ticket_id"], front["host"], front["is_held"]) == (holder, "local", True)
    assert (front["title"], front["tenant"]) == ("The marker file is missing", "demo")
    assert front["status"] == "awaiting_approval"
    assert "step 2 'Which colour' waits for an answer" in front["reason"]
    asked = [one for one in (await busy_caller.get(busy_caller.at(holder, "/timeline"))).json()["items"]]
    since = next(one["created_at"] for one in asked if one["kind"] == "step_waits")
    assert datetime.fromisoformat(front["since"]) == datetime.fromisoformat(since)
    assert (await busy_caller.ticket(first))["queue"]["ahead"] == 1


async def test_the_place_moves_up_and_ends(busy_caller: Caller) -> None:
    holder, _ = await begun(busy_caller)
    first, second = await queued(busy_caller), await queued(busy_caller)
    await busy_caller.decide(holder, "reject", step=2)
    await busy_caller.until(first, lambda now: now["queue"]["is_held"] and now["waits_for_step"] == 2)
    assert (await busy_caller.ticket(holder))["queue"] is None
    assert (await busy_caller.ticket(first))["queue"]["behind"] == 1
    waiting = (await busy_caller.ticket(second))["queue"]
    assert [front["ticket_id"] for front in waiting["in_front"]] == [first]


async def test_a_plan_that_waits_holds_nothing(busy_caller: Caller) -> None:
    assert (await busy_caller.waiting_ticket())["queue"] is None


ASKS = """
id: gates
title: A question first
risk: low
target: local
steps:
  - name: Which colour
    ask:
      question: Which colour shall it be?
      answers:
        colour: {type: string, enum: [red, green]}
  - name: First
    run: echo "$colour" >> DIRECTORY/made
    rollback: rm DIRECTORY/made
  - name: Second
    run: "true"
    approval: required
    rollback: "true"
postchecks:
  - name: It is there
    run: test -s DIRECTORY/made
"""


async def test_the_holder_lets_the_others_go_first(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket(ASKS)
    holder = ticket["id"]
    too_early = await busy_caller.decide(holder, "requeue")
    assert (too_early.status_code, too_early.json()["result"]) == (409, "not_awaited")
    assert "holds no host" in too_early.json()["detail"]
    assert (await busy_caller.decide(holder)).status_code == 200
    await busy_caller.until(holder, lambda now: now["waits_for_step"] == 1)
    waiter = await queued(busy_caller)
    assert (await busy_caller.ticket(holder))["queue"]["why_not_requeued"] is None

    given = await busy_caller.decide(holder, "requeue", step=1, comment="go ahead")
    assert (given.status_code, given.json()["result"]) == (200, "accepted")
    await busy_caller.until(waiter, lambda now: now["waits_for_step"] == 1)
    behind = await busy_caller.until(holder, lambda now: now["queue"]["in_front"] != [])
    assert behind["queue"]["in_front"][0]["ticket_id"] == waiter
    assert (await busy_caller.decide(waiter, "reject", step=1)).status_code == 200

    again = await busy_caller.until(holder, lambda now: now["waits_for_step"] == 1)
    assert again["plan"]["turn"] == 2
    late = await busy_caller.decide(holder, step=1, answers={"colour": "red"})
    assert (late.status_code, late.json()["result"]) == (409, "stale")
    assert late.json()["plan"]["turn"] == 2
    assert (await busy_caller.decide(holder, step=1, turn=2, answers={"colour": "green"})).status_code == 200

    changed = await busy_caller.until(holder, lambda now: now["waits_for_step"] == 3)
    refused = await busy_caller.decide(holder, "requeue", step=3, turn=2)
    assert (refused.status_code, refused.json()["result"]) == (409, "not_awaited")
    assert refused.json()["detail"] == changed["queue"]["why_not_requeued"]
    assert (await busy_caller.decide(holder, step=3, turn=2)).status_code == 200
    await busy_caller.status(holder, "resolved")
    assert (busy_caller.host / "made").read_text() == "green\n"
