"""Channels of notices: where people are told, of what, and how that fares."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api.dependencies import Actor, Context, Cursor, Limit, Reading, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.notices.channel import Channel, NewChannel
from services import notices

router = APIRouter(
    prefix="/api/v1/notification-channels/{tenant}",
    tags=["notifications"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 422, 503),
)

ChannelName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", examples=["on-call"])]


class ChannelPage(Model):
    """Channels by name; never their addresses."""

    items: list[Channel]
    next_cursor: str | None


@router.get("", summary="List channels")
async def list_channels(tenant: Tenant, session: Reading, limit: Limit = 50, cursor: Cursor = None) -> ChannelPage:
    """By name, each with what waits and why it failed."""
    page = await notices.list_channels(session, tenant, limit, cursor)
    return ChannelPage(items=page.items, next_cursor=page.next_cursor)


@router.get("/{name}", summary="One channel")
async def get_channel(tenant: Tenant, name: ChannelName, session: Reading) -> Channel:
    """What it takes and how it fares; its address is not shown."""
    return await notices.get_channel(session, tenant, name)


@router.put(
    "/{name}", summary="Add or replace a channel", responses={201: {"model": Channel}, **problem_responses(413, 415)}
)
async def put_channel(
    new: NewChannel, tenant: Tenant, name: ChannelName, actor: Actor, context: Context, response: Response
) -> Channel:
    """Its address is encrypted and never shown again; without one, it keeps the address that it has."""
    channel, is_new = await notices.put_channel(context.backends, tenant, name, new, actor)
    response.status_code = 201 if is_new else 200
    return channel


@router.post("/{name}/test", status_code=202, summary="Send a test", responses=problem_responses(413, 415))
async def try_channel(tenant: Tenant, name: ChannelName, actor: Actor, context: Context) -> Channel:
    """A worker sends it, as it sends every notice; `delivered_at` or `last_error` says how that went."""
    return await notices.try_channel(context.backends, tenant, name)


@router.delete("/{name}", status_code=204, summary="Remove a channel")
async def remove_channel(tenant: Tenant, name: ChannelName, actor: Actor, context: Context) -> None:
    """What waits to be sent through it is not sent."""
    await notices.remove_channel(context.backends, tenant, name)
