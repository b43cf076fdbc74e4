"""Following a ticket live: a line for each event, and on a terminal what it is doing now."""

from contextlib import aclosing
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from commands.api.client import Api
from commands.api.follow import follow
from commands.failures import Exit
from commands.output import coloured, out, print_json_line
from domain.executions.execution import WRONG_STEP_STATUSES
from domain.text.signs import one_line
from domain.tickets.ticket import TicketStatus

STYLES = {
    "ticket_analyzed": "",
    "plan_made": "yellow",
    "plan_changed": "yellow",
    "decision_recorded": "bold",
    "status_changed": "bold",
    "rollback_started": "magenta",
    "rollback_ended": "magenta",
    "request_refused": "red",
}
ENDED = ("step_ended", "rollback_ended")
PLANNED = ("plan_made", "plan_changed", "decision_recorded")


def line_of(event: dict[str, Any]) -> Text:
    """Return one event as a line."""
    line = Text().append(event["created_at"][11:19] + "  ", style="dim")
    if event["kind"] == "status_changed" and event["data"].get("ticket_status"):
        line.append_text(coloured(event["data"]["ticket_status"])).append("  ")
    return line.append(one_line(event["text"]), style=_style(event))


def _style(event: dict[str, Any]) -> str:
    failed = event["data"].get("status") in WRONG_STEP_STATUSES
    return "red" if failed else STYLES.get(event["kind"], "")


async def watch(api: Api, ticket_id: str, *, as_json: bool = False) -> Exit:
    """Print a ticket's events until it ends; OK if it is resolved then."""
    if as_json:
        async with aclosing(follow(api, ticket_id)) as events:
            async for event in events:
                print_json_line(event)
    elif out.is_terminal:
        await _watch_live(api, ticket_id)
    else:
        async with aclosing(follow(api, ticket_id)) as events:
            async for event in events:
                out.print(line_of(event), soft_wrap=True)
    ticket = await api.get(f"/tickets/{{tenant}}/tickets/{ticket_id}")
    return Exit.OK if ticket["status"] == TicketStatus.RESOLVED else Exit.FAILED


async def _watch_live(api: Api, ticket_id: str) -> None:
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
    )
    bar = progress.add_task("", total=None)
    hint = Text("")
    with Live(Group(progress, hint), console=out, transient=True, refresh_per_second=8) as live:
        async with aclosing(follow(api, ticket_id)) as events:
            async for event in events:
                live.console.print(line_of(event), soft_wrap=True)
                progress.update(bar, description=one_line(event["text"])[:45])
                if event["kind"] in ENDED:
                    progress.update(bar, completed=event["data"]["step"])
                if event["kind"] in PLANNED or "ticket_status" in event["data"]:
                    ticket = await api.get(f"/tickets/{{tenant}}/tickets/{ticket_id}")
                    progress.update(bar, total=len(ticket["plan"]["steps"]) if ticket["plan"] else None)
                    hint = _hint(ticket)
                    live.update(Group(progress, hint))


def _hint(ticket: dict[str, Any]) -> Text:
    """What a person can do while the ticket waits."""
    name = ticket["id"][-8:]
    if ticket["status"] == TicketStatus.AWAITING_APPROVAL:
        return Text(f"  it waits for you: ./handrail ticket approve {name}   (or reject)", style="yellow")
    if ticket["status"] == TicketStatus.AWAITING_RUNBOOK:
        return Text(f"  pick a runbook: ./handrail ticket execute {name} RUNBOOK", style="yellow")
    return Text("")
