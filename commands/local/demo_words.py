"""What the demo says about approving, and about how a ticket ended."""

import json
import os
from typing import Any

from rich.text import Text

from commands.api.describe import short
from commands.context import ROOT, shown
from commands.output import coloured, out
from settings import Settings

DEFAULT_PORT = 8080


def approval_commands(settings: Settings, tenant: str, ticket_id: str, digest: str) -> tuple[str, str]:
    """Return the command line and the curl that approve a plan, to be typed in the checkout as they are."""
    command = f"./handrail ticket approve {ticket_id[-8:]} --digest {short(digest)}"
    if tenant != "demo":
        command = command.replace("./handrail", f"./handrail --tenant {tenant}")
    given = {
        "HANDRAIL_HOME": shown(settings.home) if settings.home != ROOT / "var" else None,
        "HANDRAIL_PORT": str(settings.port) if settings.port != DEFAULT_PORT else None,
        "HANDRAIL_API_URL": settings.api_url,
    }
    prefix = "".join(f"{name}={value} " for name, value in given.items() if value)
    token = "$HANDRAIL_TOKEN" if os.environ.get("HANDRAIL_TOKEN") else f"$(cat {shown(settings.home / 'token')})"
    body = json.dumps({"decision": "approve", "plan_digest": digest})
    curl = (
        f"curl -X POST {settings.resolved_api_url()}/api/v1/tickets/{tenant}/tickets/{ticket_id}/decision"
        f" -H \"Authorization: Bearer {token}\" -H 'Content-Type: application/json' -d '{body}'"
    )
    return prefix + command, curl


def print_result(ticket: dict[str, Any]) -> None:
    """Say how a ticket ended, and why."""
    words = Text("  => ", style="bold").append_text(coloured(ticket["status"]))
    out.print(words.append(f": {ticket['status_reason']}"), soft_wrap=True)
