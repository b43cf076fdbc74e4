"""Explain answers for any text what a ticket of it gets, and files nothing."""

import pytest

from tests.api.caller import TENANT, Caller
from tests.api.test_problems import assert_problem

PATH = f"/match/{TENANT}"
TEXT = {"title": "The marker file is missing", "description": "on web-01, since noon", "service": "markers"}


async def test_it_says_what_a_ticket_of_this_text_gets(busy_caller: Caller) -> None:
    await busy_caller.mode("hil")
    await busy_caller.add_runbook()
    answer = await busy_caller.post(PATH, TEXT)
    assert answer.status_code == 200, answer.text
    assert (await busy_caller.get(f"/tickets/{TENANT}/tickets")).json()["items"] == [], "nothing is filed"
    ticket = await busy_caller.status(await busy_caller.file(**TEXT), "awaiting_approval")
    explained = answer.json()
    assert explained["matched_runbooks"] == ticket["matched_runbooks"]
    assert explained["analysis"] == ticket["analysis"]
    [match] = explained["matched_runbooks"]
    assert match["runbook_id"] == "touch-file"
    assert match["reasons"]

    await busy_caller.decide(ticket["id"], "reject")
    await busy_caller.status(ticket["id"], "rejected")
    [after] = (await busy_caller.post(PATH, TEXT)).json()["matched_runbooks"]
    assert after["confidence_score"] < match["confidence_score"], "history counts here too"


async def test_a_library_with_nothing_for_it(lone_caller: Caller) -> None:
    answer = await lone_caller.post(PATH, {"title": "The coffee machine is out of beans"})
    assert answer.status_code == 200
    assert answer.json()["matched_runbooks"] == []
    await lone_caller.add_runbook()
    found = (await lone_caller.post(PATH, {"title": "The coffee machine is out of beans"})).json()["matched_runbooks"]
    assert all(match["confidence_score"] < 0.3 for match in found)


@pytest.mark.parametrize(
    ("body", "words"),
    [({}, "title"), ({"title": ""}, "title"), ({"title": "x", "limit": 0}, "limit"), ({"title": "x", "colour": 1}, "")],
)
async def test_what_it_does_not_take(lone_caller: Caller, body: dict[str, object], words: str) -> None:
    assert_problem(await lone_caller.post(PATH, body), 422, words)
    assert_problem(await lone_caller.post("/match/nobody", {"title": "x"}), 404, "nobody")
    assert (await lone_caller.post(PATH, TEXT, headers={"Authorization": "Bearer wrong"})).status_code == 401


async def test_markup_of_a_mail_stands_between_no_words(lone_caller: Caller) -> None:
    """Confidence is that of the words, however a mail client drew them."""
    await lone_caller.add_runbook()
    drawn = "<table><tr><td>the&nbsp;marker&nbsp;file</td></tr><tr><td><b>is&nbsp;missing</b></td></tr></table>"
    found = []
    for description in (drawn, "the marker file\nis missing"):
        text = {"title": "Alert on web-01", "description": description, "service": "markers"}
        found.append((await lone_caller.post(PATH, text)).json()["matched_runbooks"])
    assert found[0][0]["confidence_score"] == found[1][0]["confidence_score"] > 0
