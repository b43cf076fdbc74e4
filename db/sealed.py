"""Everything in the database that the key ring seals: which key opens it, and sealing it anew with the first one."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.cipher import Cipher
from db.sealed_values import reseal_value
from db.tables import CredentialRow, ExecutionRow
from db.tables.in_and_out import NotificationChannelRow, SourceRow
from domain.sealed import SealedValue

SEALED = "sealed_inputs"  # of a plan


async def keys_of_rows(session: AsyncSession, cipher: Cipher) -> dict[str | None, list[str]]:
    """Return what each key opens, in words; under None what none of them does."""
    found: dict[str | None, list[str]] = {}
    for row in await _credentials(session):
        found.setdefault(cipher.key_of(row.sealed), []).append(f"credential {row.name} of {row.tenant}")
    for source in await _signing_sources(session):
        for kept in filter(None, (source.sealed, source.former_sealed)):
            found.setdefault(cipher.key_of(kept), []).append(f"secret of source {source.name} of {source.tenant}")
    for channel in await _channels(session):
        found.setdefault(cipher.key_of(channel.sealed), []).append(f"channel {channel.name} of {channel.tenant}")
    for key_id, count in await _sealed_inputs(session):
        found.setdefault(key_id, []).append(f"sensitive inputs of {count} plan{'' if count == 1 else 's'}")
    return found


async def reseal(session: AsyncSession, cipher: Cipher) -> int:
    """Seal with the first key what another one sealed; return how many rows. What no key opens stays as it is."""
    changed = 0
    rows: list[CredentialRow | NotificationChannelRow] = [*await _credentials(session), *await _channels(session)]
    for row in rows:
        if cipher.key_of(row.sealed) not in (None, cipher.key_ids[0]):
            row.sealed = cipher.seal(cipher.open(row.sealed))
            changed += 1
    for source in await _signing_sources(session):
        for field in ("sealed", "former_sealed"):
            kept = getattr(source, field)
            if kept is not None and cipher.key_of(kept) not in (None, cipher.key_ids[0]):
                setattr(source, field, cipher.seal(cipher.open(kept)))
                changed += 1
    others = [key_id for key_id in cipher.key_ids[1:]]
    for plan in await session.scalars(select(ExecutionRow).where(ExecutionRow.sealed_with.in_(others))):
        sealed = {name: SealedValue.model_validate(value) for name, value in plan.plan[SEALED].items()}
        anew = {name: reseal_value(cipher, value).model_dump() for name, value in sealed.items()}
        plan.plan, plan.sealed_with = plan.plan | {SEALED: anew}, cipher.key_ids[0]
        changed += 1
    return changed


async def _signing_sources(session: AsyncSession) -> Iterable[SourceRow]:
    return await session.scalars(select(SourceRow).where(SourceRow.sealed.is_not(None)))


async def _sealed_inputs(session: AsyncSession) -> list[tuple[str, int]]:
    """Return (key id, how many plans have sensitive inputs that it sealed)."""
    query = select(ExecutionRow.sealed_with, func.count()).where(ExecutionRow.sealed_with.is_not(None))
    rows = await session.execute(query.group_by(ExecutionRow.sealed_with).order_by(ExecutionRow.sealed_with))
    return [(key_id or "", count) for key_id, count in rows]


async def _credentials(session: AsyncSession) -> Iterable[CredentialRow]:
    return await session.scalars(select(CredentialRow).order_by(CredentialRow.tenant, CredentialRow.name))


async def _channels(session: AsyncSession) -> Iterable[NotificationChannelRow]:
    row = NotificationChannelRow
    return await session.scalars(select(row).order_by(row.tenant, row.name))
