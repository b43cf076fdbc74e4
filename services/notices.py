"""Notices: through which channels people are told, and telling them."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import channels, notices
from db.cipher import Cipher
from db.engine import Database
from db.notices import Waiting
from db.paging import Page, page_of
from domain.base import utc_now
from domain.notices.channel import Channel, NewChannel, NotTaken
from domain.notices.notice import NoticeKind, digest_of, headline, text_of
from domain.sealed import CipherKeyWrong
from services.backends import Backends
from services.errors import invalid, not_listed

Send = Callable[[str, str, str], Awaitable[None]]
"""Send through (address, headline, text). Raises NotTaken."""

MOST_SINGLE = 3  # more than these at once are one message that lists them
REMIND_IN_LAST = 0.25
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(hours=24)

log = logging.getLogger("handrail.notices")


async def list_channels(session: AsyncSession, tenant: str, limit: int, cursor: str | None = None) -> Page[Channel]:
    """Return one page, by name; `cursor` is the last name of the page before."""
    found = await channels.list_channels(session, tenant, cursor or "", limit + 1)
    return page_of(found, limit, lambda one: one.name)


async def get_channel(session: AsyncSession, tenant: str, name: str) -> Channel:
    """Return what may be shown of it. Raises NotFound."""
    found = await channels.get_channel(session, tenant, name)
    if found is None:
        raise not_listed(tenant, "channel", name)
    return found


async def put_channel(backends: Backends, tenant: str, name: str, new: NewChannel, actor: str) -> tuple[Channel, bool]:
    """Store or replace a channel; returns it, and whether it is new. Raises Invalid for a new one without address."""
    async with backends.database.write() as session:
        if new.url is None and await channels.get_channel(session, tenant, name) is None:
            raise invalid("url", "is needed: an address of apprise, such as jsons://hooks.example.com/handrail")
        is_new = await channels.save_channel(session, tenant, name, new, backends.cipher, actor)
        return await get_channel(session, tenant, name), is_new


async def remove_channel(backends: Backends, tenant: str, name: str) -> None:
    """Remove it, and what waits to be sent through it. Raises NotFound."""
    async with backends.database.write() as session:
        await get_channel(session, tenant, name)
        await channels.delete_channel(session, tenant, name)


async def try_channel(backends: Backends, tenant: str, name: str) -> Channel:
    """Have a worker send a test through it, the way every notice goes; how that went is in the channel. Raises
    NotFound."""
    async with backends.database.write() as session:
        await get_channel(session, tenant, name)
        await notices.note_test(session, tenant, name)
        return await get_channel(session, tenant, name)


async def remind(database: Database, reminded: set[str]) -> None:
    """Note the approvals that expire soon, once each. `reminded`: those looked at before, which spares writing."""
    async with database.read() as session:
        found = await notices.expiring(session, utc_now(), REMIND_IN_LAST)
    for execution_id in sorted(found - reminded):
        async with database.write() as session:
            await notices.note_reminder(session, execution_id)
    reminded &= found
    reminded |= found


async def due(database: Database) -> list[tuple[str, str]]:
    """Return (tenant, channel) of those through which something is to be sent now."""
    async with database.read() as session:
        return await notices.due(session, utc_now())


async def deliver(database: Database, cipher: Cipher, send: Send, address: str, tenant: str, name: str) -> None:
    """Send what waits for one channel, unless another worker does. `address`: where people open Handrail."""
    async with database.write() as session:
        claimed = await notices.claim(session, tenant, name, utc_now())
    if claimed is None:
        return
    error: str | None = None
    for batch in _batches(claimed.waiting):
        error = await _send(cipher, claimed.sealed_address, send, batch, address)
        async with database.write() as session:
            await _settle(session, batch, error)
        if error is not None:
            break
    async with database.write() as session:
        failures = (await get_channel(session, tenant, name)).failures
        await channels.give_back(session, tenant, name, utc_now(), error, wait_after(failures + 1))
        await notices.forget_old(session, tenant, name, utc_now())
    if error is not None:
        log.warning("a channel took no notice", extra={"tenant": tenant, "channel": name, "why": error})


def wait_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doubled: int = 2 ** min(failures - 1, 20)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def _batches(waiting: list[Waiting]) -> list[list[Waiting]]:
    """Return what is one message each: a few notices singly, a flood of them as one list."""
    return [[one] for one in waiting] if len(waiting) <= MOST_SINGLE else [waiting]


async def _send(cipher: Cipher, sealed: bytes, send: Send, batch: list[Waiting], address: str) -> str | None:
    """Return why it was not taken."""
    told = [one.notice for one in batch]
    title, text = (
        digest_of(told, address) if len(told) > 1 else (headline(told[0]), text_of(told[0], utc_now(), address))
    )
    try:
        await send(cipher.open(sealed)["url"] or "", title, text)
    except (NotTaken, CipherKeyWrong) as error:
        return str(error)
    return None


async def _settle(session: AsyncSession, batch: list[Waiting], error: str | None) -> None:
    ids, now = [one.id for one in batch], utc_now()
    if error is None:
        await notices.set_taken(session, ids, now)
    else:
        await notices.set_failed(session, ids, error, given_up=[one.id for one in batch if _is_hopeless(one, now)])


def _is_hopeless(one: Waiting, now: datetime) -> bool:
    return one.notice.kind is NoticeKind.TEST or one.created_at < now - GIVEN_UP_AFTER
