"""Queries on tenants and their settings."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables import SettingChangeRow, TenantRow
from domain.base import new_id, utc_now
from domain.tenant import SettingsChange, TenantSettings


async def add_tenant(session: AsyncSession, tenant: str, settings: TenantSettings | None = None) -> bool:
    """Add a tenant, with a new one's settings unless given; False if it exists."""
    if await session.get(TenantRow, tenant) is not None:
        return False
    chosen = settings or TenantSettings.for_new(tenant)
    session.add(TenantRow(id=tenant, settings=chosen.model_dump(mode="json"), created_at=utc_now()))
    return True


async def list_tenants(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(TenantRow.id).order_by(TenantRow.id)))


async def get_settings(session: AsyncSession, tenant: str) -> TenantSettings | None:
    """Return a tenant's settings, or None for an unknown tenant."""
    row = await session.get(TenantRow, tenant)
    return TenantSettings.model_validate(row.settings) if row else None


async def change_settings(session: AsyncSession, tenant: str, settings: TenantSettings, changed_by: str) -> None:
    """Store settings and who changed them. The tenant exists."""
    row = await session.get_one(TenantRow, tenant)
    row.settings = settings.model_dump(mode="json")
    session.add(
        SettingChangeRow(id=new_id(), tenant=tenant, settings=row.settings, changed_by=changed_by, changed_at=utc_now())
    )


async def list_changes(session: AsyncSession, tenant: str, limit: int = 20) -> list[SettingsChange]:
    """Return the latest changes, newest first."""
    query = (
        select(SettingChangeRow)
        .where(SettingChangeRow.tenant == tenant)
        .order_by(SettingChangeRow.id.desc())
        .limit(limit)
    )
    return [
        SettingsChange(
            settings=TenantSettings.model_validate(row.settings), changed_by=row.changed_by, changed_at=row.changed_at
        )
        for row in await session.scalars(query)
    ]
