"""What every page of a tenant has around it: tabs, the number of what waits, who is logged in."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.dependencies import get_actor, get_context
from api.pages.render import html, text_of
from services.inbox import count_waiting
from services.tenants import list_tenants

TABS = (
    ("tickets", "Tickets"),
    ("approvals", "Approvals"),
    ("runbooks", "Runbooks"),
    ("connections", "Connections"),
    ("sources", "Sources"),
    ("overview", "Overview"),
    ("settings", "Settings"),
)


async def page(
    request: Request, tenant: str, template: str, *, tab: str, title: str, status: int = 200, **values: Any
) -> Response:
    """Render a whole page of a tenant."""
    context = get_context(request)
    async with context.database.read() as session:
        waiting = await count_waiting(session, tenant)
        every = await list_tenants(session)
    shell = {
        "tenant": tenant,
        "tenants": every,
        "tabs": TABS,
        "tab": tab,
        "title": title,
        "waiting": waiting,
        "actor": get_actor(request),
        "path": request.url.path,
        "base": f"/t/{tenant}",
    }
    return html(request, text_of(template, **(shell | values)), status)
