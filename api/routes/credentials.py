"""Credentials: they go in and never come out again."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Path, Response

from api.dependencies import Actor, Context, Cursor, Limit, Reading, Tenant, requires_json
from api.problems import answer, problem_responses
from domain.base import Model
from domain.connections.connection import Credential, NewCredential
from services import connection_look, credentials

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
    page = await connection_look.list_credentials(session, tenant, cursor or "", limit)
    return CredentialPage(items=page.items, next_cursor=page.next_cursor)


@router.post("", status_code=201, summary="Add a credential", responses=problem_responses(409, 413, 415))
async def add_credential(
    new: NewCredential, tenant: Tenant, actor: Actor, context: Context, response: Response
) -> Credential:
    """Encrypted before it is stored."""
    credential = await credentials.add_credential(context.backends, tenant, new, actor)
    response.headers["Location"] = f"/api/v1/credentials/{tenant}/{new.name}"
    return credential


@router.get("/{name}", summary="A credential's name and kind")
async def get_credential(tenant: Tenant, name: CredentialName, session: Reading) -> Credential:
    """Its secret cannot be read by anybody."""
    return await credentials.get_credential(session, tenant, name)


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
    context: Context,
    response: Response,
    background: BackgroundTasks,
) -> Credential:
    """The next command that uses it uses the new one."""
    done = await credentials.put_credential(context.backends, tenant, name, new, actor, background.add_task)
    credential, is_new = done
    response.status_code = 201 if is_new else 200
    return credential


@router.delete("/{name}", status_code=204, summary="Remove a credential", responses=problem_responses(409))
async def delete_credential(
    tenant: Tenant, name: CredentialName, actor: Actor, context: Context, background: BackgroundTasks
) -> None:
    """Not while a connection uses it."""
    await credentials.delete_credential(context.backends, tenant, name, background.add_task)
