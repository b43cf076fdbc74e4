"""A runbook's history over the wire: what counts, what it does, and letting it begin anew."""

from tests.api.caller import TENANT, Caller
from tests.api.test_problems import assert_problem

PATH = f"/runbooks/{TENANT}/touch-file/history"


async def test_a_rejection_counts_in_its_environment_until_it_is_reset(busy_caller: Caller) -> None:
    await busy_caller.mode("hil")
    await busy_caller.add_runbook()
    assert (await busy_caller.get(PATH)).json() == {"runbook_id": "touch-file", "environments": [], "resets": []}
    ticket_id = await busy_caller.file(environment="Production")
    before = await busy_caller.status(ticket_id, "awaiting_approval")
    assert (await busy_caller.decide(ticket_id, "reject")).status_code == 200
    await busy_caller.status(ticket_id, "rejected")

    [here] = (await busy_caller.get(PATH)).json()["environments"]
    assert (here["environment"], here["rejections"], here["successes"]) == ("production", 1, 0)
    assert here["text"] == "people turned it down once in production"
    assert here["moves_090_to"] == 0.7713
    after = await busy_caller.status(await busy_caller.file(environment="production"), "awaiting_approval")
    [lowered] = after["matched_runbooks"]
    [plain] = before["matched_runbooks"]
    assert lowered["confidence_score"] < plain["confidence_score"]
    assert lowered["reasons"][0]["text"] == "people turned it down once in production"
    assert lowered["reasons"][0]["weight"] < 0

    answer = await busy_caller.post(f"{PATH}/reset", {"comment": "it was the wrong ticket"})
    assert answer.status_code == 200
    assert answer.json()["environments"] == []
    [reset] = answer.json()["resets"]
    assert (reset["reset_by"], reset["comment"]) == ("sam", "it was the wrong ticket")
    again = await busy_caller.status(await busy_caller.file(environment="production"), "awaiting_approval")
    assert again["matched_runbooks"] == before["matched_runbooks"]


async def test_a_runbook_that_does_not_exist(lone_caller: Caller) -> None:
    assert_problem(await lone_caller.get(PATH), 404, "no runbook 'touch-file'")
    assert_problem(await lone_caller.post(f"{PATH}/reset"), 404, "no runbook 'touch-file'")
    await lone_caller.add_runbook()
    assert_problem(await lone_caller.post(f"{PATH}/reset", {"comment": "x" * 2_001}), 422, "comment")
