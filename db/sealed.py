"""Everything in the database that the key ring seals: which key opens it, and sealing it anew with the first one."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.cipher import Cipher
from db.tables import CredentialRow


async def keys_of_rows(session: AsyncSession, cipher: Cipher) -> dict[str | None, list[str]]:
    """Return what each key opens, in words; under None what none of them does."""
    found: dict[str | None, list[str]] = {}
    for row in await _credentials(session):
        found.setdefault(cipher.key_of(row.sealed), []).append(f"credential {row.name} of {row.tenant}")
    return found


async def reseal(session: AsyncSession, cipher: Cipher) -> int:
    """Seal with the first key what another one sealed; return how many rows. What no key opens stays as it is."""
    changed = 0
    for row in await _credentials(session):
        if cipher.key_of(row.sealed) not in (None, cipher.key_ids[0]):
            row.sealed = cipher.seal(cipher.open(row.sealed))
            changed += 1
    return changed


async def _credentials(session: AsyncSession) -> Iterable[CredentialRow]:
    return await session.scalars(select(CredentialRow).order_by(CredentialRow.tenant, CredentialRow.name))
