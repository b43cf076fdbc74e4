"""Credentials: they go in and never come out again."""

from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from fastapi import APIRouter, BackgroundTasks, Depends, Path, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Actor, Cursor, Limit, Reading, Serving, Tenant, requires_json
from api.problems import Problem, answer, invalid, problem_responses
from api.services import Services
from api.waiting_plans import tell_waiting, uses_credential
from db import connections
from db.paging import page_of
from domain.base import Model
from domain.connection import Credential, CredentialKind, NewCredential, Username

_USERNAME: TypeAdapter[str | None] = TypeAdapter(Username | None)

router = APIRouter(
    prefix="/api/v1/credentials/{tenant}",
    tags=["credentials"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)

CredentialName = Annotated[str, Path(max_length=100, examples=["ops-key"])]


class CredentialPage(Model):
    """Credentials by name; never their secrets."""

    items: list[Credential]
    next_cursor: str | None


@router.get("", summary="List credentials by name and kind")
async def list_credentials(
    tenant: Tenant, session: Reading, limit: Limit = 50, cursor: Cursor = None
) -> CredentialPage:
    """A secret is never part of any answer."""
    page = page_of(
        await connections.list_credentials(session, tenant, cursor or "", limit + 1), limit, lambda one: one.name
    )
    return CredentialPage(items=page.items, next_cursor=page.next_cursor)


@router.post("", status_code=201, summary="Add a credential", responses=problem_responses(409, 413, 415))
async def add_credential(
    new: NewCredential, tenant: Tenant, actor: Actor, services: Serving, response: Response
) -> Credential:
    """Encrypted before it is stored."""
    _check_secret(new)
    async with services.database.write() as session:
        if await connections.get_credential(session, tenant, new.name) is not None:
            raise Problem(409, f"credential {new.name!r} exists; replace it instead of adding it")
        await connections.save_credential(session, tenant, new, services.cipher, actor)
    response.headers["Location"] = f"/api/v1/credentials/{tenant}/{new.name}"
    return Credential(name=new.name, kind=new.kind, username=new.username)


@router.get("/{name}", summary="A credential's name and kind")
async def get_credential(tenant: Tenant, name: CredentialName, session: Reading) -> Credential:
    """Its secret cannot be read by anybody."""
    return await _find(session, tenant, name)


@router.put(
    "/{name}",
    summary="Replace a credential, or add it",
    responses=answer(201, Credential, "Added") | problem_responses(413, 415),
)
async def put_credential(
    new: NewCredential,
    tenant: Tenant,
    name: CredentialName,
    actor: Actor,
    services: Serving,
    response: Response,
    background: BackgroundTasks,
) -> Credential:
    """The next command that uses it uses the new one."""
    if new.name != name:
        raise invalid("name", f"is {new.name!r}, the address says {name!r}; make them the same")
    _check_secret(new)
    async with services.database.write() as session:
        is_new = await connections.save_credential(session, tenant, new, services.cipher, actor)
    response.status_code = 201 if is_new else 200
    _tell(background, services, tenant, name)
    return Credential(name=new.name, kind=new.kind, username=new.username)


@router.delete("/{name}", status_code=204, summary="Remove a credential", responses=problem_responses(409))
async def delete_credential(
    tenant: Tenant, name: CredentialName, actor: Actor, services: Serving, background: BackgroundTasks
) -> None:
    """Not while a connection uses it."""
    async with services.database.write() as session:
        await _find(session, tenant, name)
        users = [one.name for one in await connections.list_connections(session, tenant) if one.credential == name]
        if users:
            raise Problem(
                409, f"credential {name!r} is used by {', '.join(users[:20])}; change those connections first"
            )
        await connections.delete_credential(session, tenant, name)
    _tell(background, services, tenant, name)


def _tell(background: BackgroundTasks, services: Services, tenant: str, name: str) -> None:
    background.add_task(tell_waiting, services, tenant, uses_credential(name))


async def _find(session: AsyncSession, tenant: str, name: str) -> Credential:
    credential = await connections.get_credential(session, tenant, name)
    if credential is None:
        raise Problem(404, f"tenant {tenant} has no credential {name!r}; list its credentials to see which there are")
    return credential


def _check_secret(new: NewCredential) -> None:
    """Raises Problem for a user name that is none, or a key that cannot be used. Nothing of it is in the message."""
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
