"""The questions whether to close a ticket: asked on screens, answered signed, and only where they are asked."""

from api.context import ApiContext
from db import tickets
from domain.analysis.analysis import analyse
from domain.ending import EndCause, Ending
from domain.executions.execution import ExecutionStatus
from domain.tickets.ticket import NewTicket, Severity, TicketStatus
from tests.api.caller import Caller
from tests.api.test_problems import assert_problem
from tests.services.test_notices import execution_of

CLOSES = {"not_found": True, "comment": "looked myself"}
QUESTION = "Not found on the host: close it?"


async def test_it_is_asked_where_nothing_was_found_and_answered_only_there(
    lone_caller: Caller, lone_context: ApiContext
) -> None:
    ticket_id = await lone_caller.file()
    pages = [f"/t/demo/tickets/{ticket_id}", "/t/demo/approvals"]

    async def ended(cause: EndCause) -> list[str]:
        async with lone_context.database.write() as session:
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


async def test_a_false_alarm_is_asked_about_wherever_its_ticket_waits(
    lone_caller: Caller, lone_context: ApiContext
) -> None:
    ticket_id = await lone_caller.file("[TEST] nginx is down", severity="high")
    found = analyse(NewTicket(title="[TEST] nginx is down", severity=Severity.HIGH), [])

    async def shown(status: TicketStatus) -> tuple[str | None, bool, bool]:
        async with lone_context.database.write() as session:
            written = found.model_dump(mode="json")
            await tickets.update_ticket(session, ticket_id, status=status.value, analysis=written)
        page, inbox = [
            (await lone_caller.client.get(path)).text for path in (f"/t/demo/tickets/{ticket_id}", "/t/demo/approvals")
        ]
        asked = (await lone_caller.ticket(ticket_id))["asks_to_close"]
        return asked, 'id="false-alarm"' in page, "false alarm? else" in inbox

    sign = lone_caller.at(ticket_id, "/cancel/signed")
    assert await shown(TicketStatus.AWAITING_RUNBOOK) == ("false_alarm", True, True)
    answer = await lone_caller.post(sign, {"false_positive": True})
    assert answer.json()["input"]["is_false_positive"] is True
    await execution_of(lone_context.database, ticket_id, ExecutionStatus.RUNNING)  # approved, and a step of it waits
    assert_problem(await lone_caller.post(sign, {"false_positive": True}), 409, "cancel it, or wait for its end")
    assert await shown(TicketStatus.AWAITING_APPROVAL) == (None, False, False)
    assert await shown(TicketStatus.RESOLVED) == (None, False, False)
