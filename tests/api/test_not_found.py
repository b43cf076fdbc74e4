"""The question whether to close what a check did not find: asked on screens, answered signed, and only where asked."""

from api.services import Services
from db import tickets
from domain.ending import EndCause, Ending
from domain.ticket import TicketStatus
from tests.api.caller import Caller
from tests.api.test_problems import assert_problem

CLOSES = {"not_found": True, "comment": "looked myself"}
QUESTION = "Not found on the host: close it?"


async def test_it_is_asked_where_nothing_was_found_and_answered_only_there(
    lone_caller: Caller, lone_services: Services
) -> None:
    ticket_id = await lone_caller.file()
    pages = [f"/t/demo/tickets/{ticket_id}", "/t/demo/approvals"]

    async def ended(cause: EndCause) -> list[str]:
        async with lone_services.database.write() as session:
            await tickets.set_status(session, ticket_id, TicketStatus.ESCALATED, "it ended", Ending(cause=cause))
        return [(await lone_caller.client.get(page)).text.lower() for page in pages]

    assert not any(QUESTION.lower() in page for page in await ended(EndCause.FAILED))
    sign = lone_caller.at(ticket_id, "/cancel/signed")
    assert_problem(await lone_caller.post(sign, CLOSES), 409, "no check has looked twice")
    page, inbox = await ended(EndCause.NOT_FOUND)
    assert QUESTION.lower() in page
    assert 'value="not_found"' in page
    assert QUESTION.lower() in inbox
    assert_problem(await lone_caller.post(sign, {**CLOSES, "false_positive": True}), 422, "say which it is")
    answer = await lone_caller.post(sign, CLOSES)
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["is_not_found"] is True
