"""Tickets as a person at a terminal files and sees them."""

from tests.e2e.running import Running, until


def filed(handrail: Running, title: str, *words: str) -> str:
    ticket = handrail.json("ticket", "file", "--title", title, *words)
    return str(ticket["id"])


def waiting(handrail: Running, host: str) -> dict[str, object]:
    """File a ticket whose plan waits for a person; return the ticket."""
    assert handrail.cli("mode", "hil").returncode == 0
    ticket_id = filed(
        handrail,
        f"nginx is down on {host}",
        *("--description", "connection refused; the unit is in failed state", "--severity", "high"),
        *("--ci", host, "--service", "nginx", "--label", "alertname=SystemdUnitFailed"),
    )
    until(lambda: status(handrail, ticket_id) == "awaiting_approval", lambda: status(handrail, ticket_id))
    shown: dict[str, object] = handrail.json("ticket", "show", ticket_id)
    return shown


def status(handrail: Running, ticket_id: str) -> str:
    return str(handrail.json("ticket", "show", ticket_id)["status"])
