"""Queries on connections and credentials."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.cipher import Cipher
from db.tables import ConnectionRow, CredentialRow
from domain.base import utc_now
from domain.connections.connection import Connection, Credential, CredentialKind, NewCredential


async def save_connection(session: AsyncSession, tenant: str, connection: Connection, updated_by: str) -> bool:
    """Store or replace a connection; True if it is new."""
    row = await session.get(ConnectionRow, (tenant, connection.name))
    is_new = row is None
    if row is None:
        row = ConnectionRow(tenant=tenant, name=connection.name)
        session.add(row)
    row.document = connection.model_dump(mode="json")
    row.updated_by = updated_by
    row.updated_at = utc_now()
    return is_new


async def get_connection(session: AsyncSession, tenant: str, name: str) -> Connection | None:
    row = await session.get(ConnectionRow, (tenant, name))
    return Connection.model_validate(row.document) if row else None


async def lock_connection(session: AsyncSession, tenant: str, name: str) -> Connection | None:
    """Return a connection that nobody else changes before this transaction ends."""
    row = await session.get(ConnectionRow, (tenant, name), with_for_update=True)
    return Connection.model_validate(row.document) if row else None


async def list_connections(
    session: AsyncSession, tenant: str, after: str = "", limit: int | None = None
) -> list[Connection]:
    """Return a tenant's connections after a name, by name; all of them unless there is a limit."""
    query = select(ConnectionRow).where(ConnectionRow.tenant == tenant, ConnectionRow.name > after)
    query = query.order_by(ConnectionRow.name).limit(limit)
    return [Connection.model_validate(row.document) for row in await session.scalars(query)]


async def saved_by(session: AsyncSession, tenant: str, names: list[str]) -> dict[str, str]:
    """Return name -> who saved it last, of those of these connections that there are."""
    query = select(ConnectionRow.name, ConnectionRow.updated_by).where(
        ConnectionRow.tenant == tenant, ConnectionRow.name.in_(names)
    )
    return {name: actor for name, actor in await session.execute(query.order_by(ConnectionRow.name))}


async def delete_connection(session: AsyncSession, tenant: str, name: str) -> bool:
    """Delete a connection; False if there is none."""
    row = await session.get(ConnectionRow, (tenant, name))
    if row is None:
        return False
    await session.delete(row)
    return True


async def save_credential(
    session: AsyncSession, tenant: str, new: NewCredential, cipher: Cipher, updated_by: str
) -> bool:
    """Seal and store a credential, or replace it; True if it is new."""
    row = await session.get(CredentialRow, (tenant, new.name))
    is_new = row is None
    if row is None:
        row = CredentialRow(tenant=tenant, name=new.name)
        session.add(row)
    row.kind = new.kind.value
    row.username = new.username
    row.sealed = cipher.seal({"private_key": new.private_key, "password": new.password})
    row.updated_by = updated_by
    row.updated_at = utc_now()
    return is_new


async def get_credential(session: AsyncSession, tenant: str, name: str) -> Credential | None:
    row = await session.get(CredentialRow, (tenant, name))
    return _to_credential(row) if row else None


async def open_credential(session: AsyncSession, tenant: str, name: str, cipher: Cipher) -> NewCredential | None:
    """Return a credential with its secret, for the moment of use only. Raises CipherKeyWrong."""
    row = await session.get(CredentialRow, (tenant, name))
    if row is None:
        return None
    return NewCredential(name=row.name, kind=CredentialKind(row.kind), username=row.username, **cipher.open(row.sealed))


async def list_credentials(
    session: AsyncSession, tenant: str, after: str = "", limit: int | None = None
) -> list[Credential]:
    """Return names and kinds after a name, by name; all of them unless there is a limit."""
    query = select(CredentialRow).where(CredentialRow.tenant == tenant, CredentialRow.name > after)
    query = query.order_by(CredentialRow.name).limit(limit)
    return [_to_credential(row) for row in await session.scalars(query)]


async def delete_credential(session: AsyncSession, tenant: str, name: str) -> bool:
    """Delete a credential; False if there is none."""
    row = await session.get(CredentialRow, (tenant, name))
    if row is None:
        return False
    await session.delete(row)
    return True


def _to_credential(row: CredentialRow) -> Credential:
    return Credential(name=row.name, kind=CredentialKind(row.kind), username=row.username)
