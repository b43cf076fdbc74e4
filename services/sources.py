"""Sources: who may send reports here, with which secret."""

import hashlib
import secrets
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import sources
from db.paging import Page, page_of
from db.sources import Kept, Secrets
from domain.sources.mapping import FieldMapping
from domain.sources.registry import SENDERS
from domain.sources.reports import DEFAULT_SOURCE, NoTicket, Report
from domain.sources.sender import Sent, Unreadable
from domain.sources.signing import HmacForm
from domain.sources.source import (
    NewSource,
    Rotation,
    RotationStep,
    Source,
    SourceDetail,
    SourceSecret,
    Tried,
    TriedReport,
)
from services.backends import Backends
from services.errors import Conflict, invalid, not_listed
from services.reading import beside

SECRET_BYTES = 32
SECRET_PREFIX = "hrs_"  # so that those who look for secrets in the wrong place find it


async def list_sources(session: AsyncSession, tenant: str, limit: int, cursor: str | None = None) -> Page[Source]:
    """Return one page, by name; `cursor` is the last name of the page before."""
    return page_of(await sources.list_sources(session, tenant, cursor or "", limit + 1), limit, lambda one: one.name)


async def get_source(session: AsyncSession, tenant: str, name: str) -> SourceDetail:
    """Return a source and its last deliveries. Raises NotFound."""
    source = await _found(session, tenant, name)
    deliveries = await sources.list_deliveries(session, tenant, name)
    return SourceDetail(**source.model_dump(), deliveries=deliveries)


async def add_source(backends: Backends, tenant: str, new: NewSource, actor: str) -> SourceSecret:
    """Store a new one with a secret of its own, which nobody is shown again. Raises Conflict, Invalid."""
    if new.kind not in SENDERS:
        raise invalid("kind", f"there is no {new.kind!r}; there are {', '.join(SENDERS)}")
    if new.name == DEFAULT_SOURCE:
        raise invalid("name", f"{DEFAULT_SOURCE!r} is what tickets without a source are called; take another name")
    options = _options(new.kind, new.mapping)
    options |= _topic(new)
    signing = _signing(new)
    if signing is not None:
        options["signing"] = signing.model_dump()
    secret = new.secret or _new_secret()
    kept = _kept(backends, secret, signs=signing is not None)
    async with backends.database.write() as session:
        if not await sources.add_source(session, tenant, new.name, new.kind, options, kept, actor):
            raise Conflict(f"source {new.name!r} exists", "rotate its secret, or remove it first")
        source = await _found(session, tenant, new.name)
    return SourceSecret(**source.model_dump(), secret=None if new.secret else secret)


async def rotate(backends: Backends, tenant: str, name: str, rotation: Rotation, actor: str) -> SourceSecret:
    """Change its secret without losing what is sent meanwhile: both let in until it is finished. Raises NotFound,
    Conflict, Invalid."""
    made: str | None = None
    async with backends.database.write() as session:
        now = await sources.get_secrets(session, tenant, name, lock=True)
        if now is None:
            raise not_listed(tenant, "source", name)
        source = await _found(session, tenant, name)
        if rotation.step is RotationStep.BEGIN:
            if now.former is not None:
                mend = "finish that once the sender has the new one, or undo it"
                raise Conflict(f"the secret of {name!r} is being changed already", mend)
            _check_given(rotation.secret, signs=source.signing is not None)
            made = None if rotation.secret else _new_secret()
            kept = _kept(backends, rotation.secret or made or "", signs=source.signing is not None)
            then = Secrets(kept, now.current)
        elif now.former is None:
            raise Conflict(f"the secret of {name!r} is not being changed", "begin with a new one")
        else:
            then = Secrets(now.current if rotation.step is RotationStep.FINISH else now.former)
        await sources.set_secrets(session, tenant, name, then, actor)
        source = await _found(session, tenant, name)
    return SourceSecret(**source.model_dump(), secret=made)


async def remove_source(backends: Backends, tenant: str, name: str) -> None:
    """Remove it: what it sends from now on is refused; its tickets stay. Raises NotFound."""
    async with backends.database.write() as session:
        await _found(session, tenant, name)
        await sources.delete_source(session, tenant, name)


async def set_mapping(backends: Backends, tenant: str, name: str, mapping: FieldMapping) -> Source:
    """Say where the fields of a source's reports are from now on. Raises NotFound, Invalid."""
    async with backends.database.write() as session:
        source = await _found(session, tenant, name)
        signing = {"signing": source.signing.model_dump()} if source.signing else {}
        await sources.set_options(session, tenant, name, _options(source.kind, mapping) | signing)
        return await _found(session, tenant, name)


async def try_payload(session: AsyncSession, tenant: str, name: str, body: bytes) -> Tried:
    """Return what would be taken in of a payload, or of the sender's sample; nothing is. Raises NotFound, Invalid."""
    source = await _found(session, tenant, name)
    return await _tried(source, source.mapping, body)


async def try_mapping(session: AsyncSession, tenant: str, name: str, mapping: FieldMapping, body: bytes) -> Tried:
    """The same with another mapping than it has. Raises NotFound, Invalid."""
    source = await _found(session, tenant, name)
    _options(source.kind, mapping)
    return await _tried(source, mapping, body)


async def try_and_map(
    backends: Backends, tenant: str, name: str, mapping: FieldMapping, body: bytes, *, saves: bool
) -> Tried:
    """Try a mapping, and store it if it `saves` and reads the payload at all. Raises NotFound, Invalid."""
    async with backends.database.read() as session:
        tried = await try_mapping(session, tenant, name, mapping, body)
    if saves:
        await set_mapping(backends, tenant, name, mapping)
    return tried


async def _tried(source: Source, mapping: FieldMapping | None, body: bytes) -> Tried:
    sender = SENDERS[source.kind]
    sent = Sent(source.name, body or sender.sample, options=_options(source.kind, mapping))
    try:
        read = await beside(sender.read, sent)
    except Unreadable as error:
        raise invalid(error.field, error.detail) from None
    fields = set(TriedReport.model_fields)
    return Tried(
        reports=[
            TriedReport.model_validate(one.model_dump(include=fields))
            for one in read.reports
            if isinstance(one, Report)
        ],
        passed_over=[str(one) for one in read.reports if isinstance(one, NoTicket)],
        notes=read.notes,
    )


def _options(kind: str, mapping: FieldMapping | None) -> dict[str, Any]:
    """Return what a source's row keeps. Raises Invalid for a mapping of a kind that has its own."""
    if not SENDERS[kind].is_mapped:
        if mapping is not None:
            raise invalid("mapping", f"{kind} says itself where its fields are; only generic takes a mapping")
        return {}
    return {"mapping": (mapping or FieldMapping()).model_dump()}


def _signing(new: NewSource) -> HmacForm | None:
    """Return how a new source signs; None if it shows its secret. Raises Invalid."""
    sender = SENDERS[new.kind]
    if new.signing is not None and not sender.is_mapped:
        raise invalid("signing", f"{new.kind} says itself how it signs; only generic takes a way of its own")
    if new.signed and sender.signing is None:
        raise invalid("signed", f"{sender.called} does not sign; it shows its secret")
    signs = new.signed or new.signing is not None or sender.always_signs
    _check_given(new.secret, signs=signs)
    return (new.signing or sender.signing) if signs else None


def _topic(new: NewSource) -> dict[str, str]:
    """Return the topic that a new source is for, if its kind has one. Raises Invalid."""
    sender = SENDERS[new.kind]
    if sender.has_topic != (new.topic is not None):
        wanted = "the ARN of the topic of Amazon SNS that it delivers"
        raise invalid("topic", f"say {wanted}" if sender.has_topic else f"{sender.called} has none")
    return {"topic": new.topic} if new.topic else {}


def _check_given(secret: str | None, *, signs: bool) -> None:
    """Raises Invalid for a secret from elsewhere that is shown: it may be weak."""
    if secret is not None and not signs:
        raise invalid("secret", "is made here, unless the sender signs with one that it made")


def _kept(backends: Backends, secret: str, *, signs: bool) -> Kept:
    return Kept(hash_of(secret), backends.cipher.seal({"secret": secret}) if signs else None)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


async def _found(session: AsyncSession, tenant: str, name: str) -> Source:
    source = await sources.get_source(session, tenant, name)
    if source is None:
        raise not_listed(tenant, "source", name)
    return source
