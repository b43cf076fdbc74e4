"""What `handrail up` says when it is ready: where everything is, and which tickets are there already."""

from pathlib import Path
from typing import Any

from commands.api.client import Api
from commands.api.describe import ticket_table
from commands.context import shown
from commands.output import out, table
from domain.tickets.columns import ON_TERMINAL
from domain.tickets.ticket import TicketStatus
from settings import Settings

SHOWN_TICKETS = 5


async def greet(settings: Settings, api: Api, hosts: list[dict[str, Any]], ssh_config: Path, *, with_ui: bool) -> None:
    """Print the table of places and the latest tickets of earlier runs."""
    tickets = [ticket async for ticket in api.pages("/tickets/{tenant}/tickets", SHOWN_TICKETS)]
    url = settings.resolved_api_url()
    rows = [
        ("Web UI and API", url),
        ("API documentation", f"{url}/docs"),
        ("API token", shown(settings.home / "token")),
        ("Temporal", settings.resolved_temporal_address()),
        *([("Temporal Web UI", settings.resolved_temporal_ui_url())] if with_ui else []),
        *((f"Lab host {host['name']}", f"ssh -F {shown(ssh_config)} {host['name']}") for host in hosts),
        ("State and logs", f"{shown(settings.home)}/, {shown(settings.home / 'logs')}/"),
    ]
    out.print(table(["what", "where"], rows))
    if tickets:
        out.print()
        brief = [one for one in ON_TERMINAL if one.name in ("id", "status", "title")]
        out.print(ticket_table(brief, tickets, title="Tickets of earlier runs, newest first:"))
        for ticket in tickets:
            if ticket["status"] == TicketStatus.AWAITING_APPROVAL:
                out.print(f"  one waits for you: ./handrail ticket approve {ticket['id'][-8:]}", style="yellow")
        out.print("  all of them: ./handrail ticket list")
