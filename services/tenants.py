"""Tenants: which there are, and where somebody begins who names none."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import tenants
from domain.tenant import DEMO_TENANT
from services.errors import NotFound


async def list_tenants(session: AsyncSession) -> list[str]:
    """Return the names of all, sorted."""
    return await tenants.list_tenants(session)


async def first_tenant(session: AsyncSession) -> str:
    """Return the demo tenant, or the first there is. Raises NotFound where there is none."""
    known = await list_tenants(session)
    if not known:
        raise NotFound("there is no tenant yet", "`./handrail tenant add NAME` makes one")
    return DEMO_TENANT if DEMO_TENANT in known else known[0]
