"""Which ticket a person means: a whole id, the beginning or end of one, or `latest`."""

from typing import Any

from commands.api.client import Api, part
from commands.failures import CommandFailed, Exit

WHOLE = 26
SHORTEST = 4
SEARCHED = 2000
LATEST = "latest"


async def ticket_id(api: Api, given: str) -> str:
    """Return the id of the one ticket that is meant. Raises CommandFailed."""
    wanted = given.lower()
    if len(wanted) == WHOLE:
        return part(wanted)
    if wanted == LATEST:
        async for ticket in api.pages("/tickets/{tenant}/tickets", 1):
            return str(ticket["id"])
        raise CommandFailed("there is no ticket yet", "file one: ./handrail ticket file --title ...")
    if len(wanted) < SHORTEST:
        raise CommandFailed(
            f"{given!r} is too short", f"give {SHORTEST} characters of the id or more, or {LATEST}", Exit.USAGE
        )
    found = [
        str(ticket["id"])
        async for ticket in api.pages("/tickets/{tenant}/tickets", SEARCHED)
        if ticket["id"].startswith(wanted) or ticket["id"].endswith(wanted)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandFailed(
            f"no ticket of {api.tenant} begins or ends with {given!r}", "./handrail ticket list shows what there is"
        )
    raise CommandFailed(f"{given!r} means {len(found)} tickets: {', '.join(found[:5])}", "give more of the id")


async def ticket(api: Api, given: str) -> dict[str, Any]:
    """Return the whole of the ticket that is meant. Raises CommandFailed."""
    found: dict[str, Any] = await api.get(f"/tickets/{{tenant}}/tickets/{await ticket_id(api, given)}")
    return found
