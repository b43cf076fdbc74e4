"""Steps in mid-execution that wait for a person, and tickets that need one."""

from tests.api.caller import TOUCH, Caller

GATES = """
id: gates
title: Two gates and a question
risk: low
target: local
steps:
  - name: First
    run: echo one >> DIRECTORY/made
    rollback: echo undone >> DIRECTORY/undone
  - name: Which colour
    ask:
      question: Which colour shall it be?
      answers:
        colour: {type: string, enum: [red, green]}
  - name: Second
    run: echo "$colour" >> DIRECTORY/made
    approval: required
    rollback: sed -i '$d' DIRECTORY/made
postchecks:
  - name: Both are there
    run: test "$(wc -l < DIRECTORY/made)" -eq 2
"""


TYPED = {"sure": "boolean", "percent": "integer", "share": "number", "word": "string"}


async def begun(caller: Caller, runbook: str = GATES) -> tuple[str, str]:
    """Return a ticket whose approved plan has come to its question, and the plan's digest."""
    ticket = await caller.waiting_ticket(runbook)
    assert ticket["waits_for_step"] is None
    assert (await caller.decide(ticket["id"])).status_code == 200
    await caller.until(ticket["id"], lambda now: now["waits_for_step"] == 2)
    return ticket["id"], ticket["plan"]["digest"]


async def test_a_question_and_a_gate(busy_caller: Caller) -> None:
    ticket_id, digest = await begun(busy_caller)
    plain = await busy_caller.decide(ticket_id)
    assert plain.status_code == 409
    assert "sam approved this plan already" in plain.json()["detail"]
    assert "step 2 waits now" in plain.json()["detail"]

    wrong = await busy_caller.decide(ticket_id, step=2, answers={"colour": "blue"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "answers.colour"
    assert "red, green" in wrong.json()["detail"]
    other = await busy_caller.decide(ticket_id, step=3)
    assert other.status_code == 409
    assert other.json()["result"] == "not_awaited"

    assert (await busy_caller.decide(ticket_id, step=2, answers={"colour": "green"})).status_code == 200
    await busy_caller.until(ticket_id, lambda now: now["waits_for_step"] == 3)
    assert (busy_caller.host / "made").read_text() == "one\n"
    answer = await busy_caller.decide(ticket_id, step=3, comment="go")
    assert (answer.status_code, answer.json()["step"]) == (200, 3)
    ticket = await busy_caller.status(ticket_id, "resolved")
    assert (busy_caller.host / "made").read_text() == "one\ngreen\n"
    assert ticket["plan"]["digest"] == digest
    assert [one["step"] for one in ticket["decisions"] if one["result"] == "accepted"] == [None, 2, 3]


async def test_json_s_own_values_are_answers(busy_caller: Caller) -> None:
    """`true` and 40 as JSON has them, each in the type that its question wants, and no other."""
    specs = [f"{name}: {{type: {kind}}}" for name, kind in TYPED.items()] + ["more: {type: string, required: false}"]
    text = GATES.replace("        colour:", "".join(f"        {spec}\n" for spec in specs) + "        colour:")
    text = text.replace("enum: [red, green]", "default: red")
    ticket_id, _ = await begun(busy_caller, text.replace('echo "$colour"', 'echo "$sure $percent $share $word"'))
    good = {"sure": True, "percent": 40, "share": 0.5, "word": "x", "more": None}
    for name, value in {"sure": 1, "percent": True, "share": False, "word": 40}.items():
        wrong = await busy_caller.decide(ticket_id, step=2, answers=good | {name: value})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, f"answers.{name}"), wrong.text
    answer = await busy_caller.decide(ticket_id, step=2, answers=good | {"percent": 40.0})
    assert answer.status_code == 200, answer.text
    assert answer.json()["answers"] == {"sure": "true", "percent": "40", "share": "0.5", "word": "x"}
    await busy_caller.until(ticket_id, lambda now: now["waits_for_step"] == 3)
    await busy_caller.decide(ticket_id, step=3)
    await busy_caller.status(ticket_id, "resolved")
    assert (busy_caller.host / "made").read_text() == "one\ntrue 40 0.5 x\n"


async def test_rejecting_a_step_undoes_what_ran(busy_caller: Caller) -> None:
    ticket_id, _ = await begun(busy_caller)
    assert (await busy_caller.decide(ticket_id, "reject", step=2, comment="wrong day")).status_code == 200
    ticket = await busy_caller.status(ticket_id, "rejected")
    assert "wrong day" in ticket["status_reason"]
    assert (busy_caller.host / "undone").read_text() == "undone\n"
    late = await busy_caller.decide(ticket_id, step=2, answers={"colour": "red"})
    assert late.status_code == 409


async def test_cancel_in_mid_execution_rolls_back(busy_caller: Caller) -> None:
    ticket_id, _ = await begun(busy_caller)
    assert (await busy_caller.post(busy_caller.at(ticket_id, "/cancel"))).status_code == 202
    ticket = await busy_caller.status(ticket_id, "cancelled")
    assert ticket["executions"][0]["status"] == "rolled_back"
    assert (busy_caller.host / "undone").exists()


async def test_an_escalated_ticket_can_be_tried_again_and_closed(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket(TOUCH.replace("test -s", "test ! -s"))
    ticket_id = ticket["id"]
    await busy_caller.decide(ticket_id)
    ticket = await busy_caller.status(ticket_id, "escalated")
    assert "The file is there" in ticket["status_reason"]
    assert not (busy_caller.host / "made").exists()

    await busy_caller.add_runbook()
    again = await busy_caller.post(busy_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})
    assert again.status_code == 202, again.text
    ticket = await busy_caller.status(ticket_id, "awaiting_approval")
    assert [one["status"] for one in ticket["executions"]] == ["rolled_back", "awaiting_approval"]
    reject = await busy_caller.decide(ticket_id, "reject")
    assert reject.status_code == 200, reject.text
    await busy_caller.status(ticket_id, "rejected")


async def test_cancelling_an_escalated_ticket_closes_it(busy_caller: Caller) -> None:
    ticket = await busy_caller.waiting_ticket(TOUCH.replace("run: echo", "run: exit 3; echo"))
    await busy_caller.decide(ticket["id"])
    await busy_caller.status(ticket["id"], "escalated")
    assert (await busy_caller.post(busy_caller.at(ticket["id"], "/cancel"), {"comment": "by hand"})).status_code == 202
    ticket = await busy_caller.status(ticket["id"], "cancelled")
    assert "by hand" in ticket["status_reason"]
    unknown = await busy_caller.post(busy_caller.at(ticket["id"], "/rollback"), {"execution_id": "nope"})
    assert unknown.status_code == 404
