"""Credentials: they go in and never come out again."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from db import connections
from domain.connections.connection import Credential, CredentialKind, NewCredential, Username
from services.backends import Backends
from services.errors import Conflict, check_name, invalid, not_listed
from services.waiting_plans import Later, tell_waiting, uses_credential

_USERNAME: TypeAdapter[str | None] = TypeAdapter(Username | None)


async def get_credential(session: AsyncSession, tenant: str, name: str) -> Credential:
    """Return its name and kind. Raises NotFound."""
    credential = await connections.get_credential(session, tenant, name)
    if credential is None:
        raise not_listed(tenant, "credential", name)
    return credential


async def add_credential(backends: Backends, tenant: str, new: NewCredential, actor: str) -> Credential:
    """Store a new one, encrypted. Raises Conflict, Invalid."""
    _check_secret(new)
    async with backends.database.write() as session:
        if await connections.get_credential(session, tenant, new.name) is not None:
            raise Conflict(f"credential {new.name!r} exists", "replace it instead of adding it")
        await connections.save_credential(session, tenant, new, backends.cipher, actor)
    return _shown(new)


async def put_credential(
    backends: Backends, tenant: str, name: str, new: NewCredential, actor: str, later: Later
) -> tuple[Credential, bool]:
    """Replace a credential, or add it; the next command uses it. Returns it, and whether it is new. Raises Invalid."""
    check_name(new.name, name)
    _check_secret(new)
    async with backends.database.write() as session:
        is_new = await connections.save_credential(session, tenant, new, backends.cipher, actor)
    later(tell_waiting, backends, tenant, uses_credential(name))
    return _shown(new), is_new


async def delete_credential(backends: Backends, tenant: str, name: str, later: Later) -> None:
    """Remove one that no connection uses. Raises NotFound, Conflict."""
    async with backends.database.write() as session:
        await get_credential(session, tenant, name)
        users = [one.name for one in await connections.list_connections(session, tenant) if one.credential == name]
        if users:
            used = f"credential {name!r} is used by {', '.join(users[:20])}"
            raise Conflict(used, "change those connections first")
        await connections.delete_credential(session, tenant, name)
    later(tell_waiting, backends, tenant, uses_credential(name))


def _shown(new: NewCredential) -> Credential:
    return Credential(name=new.name, kind=new.kind, username=new.username)


def _check_secret(new: NewCredential) -> None:
    """Raises Invalid for a user name that is none, or a key that cannot be used. Nothing of it is in the message."""
    try:
        _USERNAME.validate_python(new.username)
    except ValidationError:
        raise invalid("username", "is no user name: begin with a letter, digit or _; no spaces") from None
    if new.kind is not CredentialKind.SSH_KEY or new.private_key is None:
        return
    text = new.private_key.strip().encode() + b"\n"
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in text else load_pem_private_key
    try:
        load(text, password=None)
    except TypeError as error:
        words = (
            "is protected by a passphrase, which Handrail cannot ask for; store a copy without (ssh-keygen -p -N '')"
        )
        raise invalid("private_key", words) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        words = (
            "is not a private key that can be read; send the whole file, in OpenSSH or PEM format, line ends included"
        )
        raise invalid("private_key", words) from error
