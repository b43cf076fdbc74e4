"""What a try of a connection needs, for somebody with a token who asked for it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import connections, runbooks
from db.cipher import Cipher
from db.engine import Database
from domain.connections.connection import Connection
from domain.connections.host import HostAddress, Secret
from domain.plans.plan import Target
from domain.sealed import CipherKeyWrong
from domain.signature import MessageKind, Signer, letter_of, read_signed_text
from domain.workflows.orders import ConnectionCheck
from services.mail import take

NOBODY = "nobody with a token asked for this test through Handrail"


class NotTried(Exception):
    """A connection is not tried; the text says why."""


@dataclass(frozen=True)
class ToTry:
    """`is_recognisable`: the host can be told from another one, so it may be logged in to; `asks_sudo`: a runbook uses
    sudo, so what that does there is to be found out."""

    address: HostAddress
    secret: Secret | None
    is_recognisable: bool
    asks_sudo: bool


async def see_that_it_was_asked_for(database: Database, signer: Signer, check: ConnectionCheck, run_id: str) -> None:
    """Take the signature, once. Raises NotTried."""
    if check.signature is None:
        raise NotTried(NOBODY)
    letter = letter_of(MessageKind.CONNECTION_CHECK, check.tenant, check.name, check)
    if signer.problem_with(letter, check.tenant, check.name) is not None:
        raise NotTried(NOBODY)
    async with database.write() as session:
        if await take(session, read_signed_text(letter.text), run_id) is not None:
            raise NotTried(NOBODY)


async def what_to_try(database: Database, cipher: Cipher, check: ConnectionCheck) -> ToTry:
    """Read the connection and its credential. Raises NotTried."""
    async with database.read() as session:
        connection = await connections.get_connection(session, check.tenant, check.name)
        if connection is None:
            raise NotTried(f"there is no connection {check.name}")
        target = Target.of(connection)
        address = HostAddress(**target.model_dump(exclude={"credential"}))
        if not target.is_recognisable:
            return ToTry(address, None, is_recognisable=False, asks_sudo=False)
        secret = await _secret(session, check.tenant, connection, cipher)
        asks_sudo = connection.kind.has_sudo and bool(
            await runbooks.search_runbooks(session, check.tenant, "sudo", limit=1)
        )
    return ToTry(address, secret, is_recognisable=True, asks_sudo=asks_sudo)


async def _secret(session: AsyncSession, tenant: str, connection: Connection, cipher: Cipher) -> Secret | None:
    try:
        opened = await connections.open_credential(session, tenant, connection.credential or "", cipher)
    except CipherKeyWrong as error:
        raise NotTried(str(error)) from error
    if opened is None and connection.kind.has_credential:
        raise NotTried(f"there is no credential {connection.credential}; add it")
    return Secret(**opened.model_dump(exclude={"name"})) if opened else None
