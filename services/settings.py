"""What a tenant has set: whether people are in the loop, from which confidence on, how long things wait."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import tenants
from domain.tenant import TenantSettings
from services.backends import Backends


async def get_settings(session: AsyncSession, tenant: str) -> TenantSettings:
    """Return the settings, or what holds unless somebody set it."""
    return await tenants.get_settings(session, tenant) or TenantSettings()


async def change_settings(backends: Backends, tenant: str, changes: dict[str, Any], actor: str) -> TenantSettings:
    """Set these fields, already checked; it holds from the next plan on. Who changed it is kept."""
    async with backends.database.write() as session:
        settings = (await get_settings(session, tenant)).model_copy(update=changes)
        await tenants.change_settings(session, tenant, settings, actor)
    return settings
