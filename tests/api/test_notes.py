"""Taking note of a failure over the API, and the list of what waits."""

from api.context import ApiContext
from db import tickets
from domain.tickets.ticket import TicketStatus
from tests.api.caller import Caller


async def test_a_failed_ticket_waits_until_somebody_took_note(lone_caller: Caller, lone_context: ApiContext) -> None:
    ticket_id = await lone_caller.file()
    waits = lone_caller.at("", "").rstrip("/") + "?waiting=true"
    note = lone_caller.at(ticket_id, "/note")
    nothing = await lone_caller.post(note, {})
    assert (nothing.status_code, "waits for nobody" in nothing.json()["detail"]) == (409, True)
    assert (await lone_caller.get(waits)).json()["items"] == []
    async with lone_context.database.write() as session:
        await tickets.set_status(session, ticket_id, TicketStatus.ESCALATED, "it failed")
    [listed] = (await lone_caller.get(waits)).json()["items"]
    assert (listed["id"], listed["person_needed"], listed["taken_note"]) == (ticket_id, "escalated", None)
    former = await lone_caller.post(note, {"since": "2026-01-01T00:00:00Z"})
    assert (former.status_code, "failed again" in former.json()["detail"]) == (409, True)
    answer = await lone_caller.post(note, {"comment": "known", "since": listed["person_needed_since"]})
    assert answer.status_code == 200, answer.text
    said = answer.json()["taken_note"]
    assert (said["actor"], said["comment"]) == ("sam", "known")
    assert (await lone_caller.get(waits)).json()["items"] == []
    shown = await lone_caller.ticket(ticket_id)
    assert (shown["status"], shown["person_needed"], shown["taken_note"]) == ("escalated", None, said)
