"""What a tenant has set: whether people are in the loop, from which confidence on, how long things wait."""

from itertools import pairwise
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import tenants
from domain.tenant import TENANT_SETTINGS, Setting, SettingsChange, TenantSettings
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


async def change_what_differs(backends: Backends, tenant: str, asked: dict[str, Any], actor: str) -> None:
    """Set those of these fields that are not so already; where none is, nothing is changed and nobody changed it."""
    async with backends.database.read() as session:
        now = await get_settings(session, tenant)
    changes = {name: value for name, value in asked.items() if value != getattr(now, name)}
    if changes:
        await change_settings(backends, tenant, changes, actor)


async def list_changes(session: AsyncSession, tenant: str) -> list[tuple[SettingsChange, list[Setting]]]:
    """Return each change, newest first, with the settings that differ from the change before it."""
    history = await tenants.list_changes(session, tenant)
    every = [*(change.settings for change in history), TenantSettings()]
    return [
        (change, [one for one in TENANT_SETTINGS if one.name in now.model_fields_set and one.of(now) != one.of(before)])
        for change, (now, before) in zip(history, pairwise(every), strict=True)
    ]
