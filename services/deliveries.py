"""Deliveries: what a source sends, taken in whole before it is answered, and what became of it."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from db import sources
from db.sources import Asked, Secrets
from domain.base import new_id, utc_now
from domain.sealed import CipherKeyWrong
from domain.sources.registry import SENDERS
from domain.sources.reports import NoTicket, Report, Taken
from domain.sources.sender import Read, Sent, Unreadable
from domain.sources.signing import Unsigned
from domain.sources.source import MOST_RESULTS, Delivery, DeliveryOutcome, DeliveryTaken, ReportResult, Source
from services import reports, subscriptions
from services.backends import Backends
from services.errors import Unavailable, invalid
from services.reading import beside
from services.sources import hash_of
from services.spool import Incoming
from services.standby import Standby
from services.waiting_plans import Later

log = logging.getLogger("handrail.services")

SMALL = 64 * 1024  # bytes; more is read beside the loop
AWAY = (DBAPIError, PoolTimeout, TimeoutError)
RETRY_SECONDS = 2
# Of a sender that sends nothing again: it waits for its answer for ten seconds, some for five.
CLAIM_SECONDS = 1.5
TAKE_SECONDS = 3.0
PASSED_OVER = "ignored"


@dataclass(frozen=True)
class Claim:
    """Who a request says it comes from. `source`: the one at its address, None if there is none there; `is_shown`: it
    shows that source's secret; `by_former`: the one before, while it is changed. `sealed`: those it may sign with.

    `is_remembered`: the database was not asked, as it is away."""

    source: Source | None
    is_shown: bool
    by_former: bool
    sealed: tuple[bytes, ...] = ()
    is_remembered: bool = False


@dataclass(frozen=True)
class Known:
    """A source that is who it says it is."""

    source: Source
    by_former: bool
    is_remembered: bool = False


async def claim_of(
    backends: Backends, tenant: str, name: str, headers: Mapping[str, str], in_address: str = ""
) -> Claim:
    """Return whose secret a request shows, before its body is read. `in_address`: the secret at the end of its address.

    `headers`: their names in lower case. Raises SQLAlchemyError while the database is away, unless the source is
    remembered.
    """
    source, kept, is_remembered = await _look_up(backends, tenant, name)
    current, former = kept or (None, None)
    shown = hash_of(in_address or shown_secret(headers))
    is_current = hmac.compare_digest(shown, current.hash if current else "")
    is_former = hmac.compare_digest(shown, former.hash if former else "")
    sealed = tuple(one.sealed for one in (current, former) if one and one.sealed)
    return Claim(source, is_current or is_former, is_former, sealed, is_remembered)


async def _look_up(backends: Backends, tenant: str, name: str) -> tuple[Source | None, Secrets | None, bool]:
    """Return a source, its secrets, and whether that is what was remembered."""
    standby = backends.standby
    remembered = standby.known.get((tenant, name)) if standby else None
    if standby and remembered and standby.is_away:
        return *remembered, True
    try:
        async with asyncio.timeout(CLAIM_SECONDS if remembered else None), backends.database.read() as session:
            source = await sources.get_source(session, tenant, name)
            kept = await sources.get_secrets(session, tenant, name)
    except AWAY:
        if remembered is None or standby is None:
            raise
        standby.note_away()
        return *remembered, True
    if standby:
        standby.learn(tenant, name, source, kept)
    return source, kept, False


def let_in(backends: Backends, claim: Claim, body: bytes, headers: Mapping[str, str]) -> Known:
    """Return the source that a claim is right about. Raises Unsigned for any other, Unavailable if the key that sealed
    its secrets is not here."""
    source = claim.source
    if source is None or (source.signing is None and not claim.is_shown):
        raise Unsigned("it came without this source's secret")
    if source.signing is None:
        return Known(source, claim.by_former, claim.is_remembered)
    try:
        secrets = [backends.cipher.open(one)["secret"] or "" for one in claim.sealed]
    except CipherKeyWrong as error:
        raise Unavailable(f"no signature of source {source.name!r} can be checked: {error}", retry_after=60) from error
    by_former = source.signing.check(headers, body, secrets, utc_now()) == 1
    return Known(source, by_former, claim.is_remembered)


def shown_secret(headers: Mapping[str, str]) -> str:
    """Return the token, or the password of basic authentication, whatever the user is called; empty without any."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace").partition(":")[2]
    except binascii.Error:
        return ""


async def note_unsigned(
    backends: Backends, tenant: str, name: str, size: int, error: Unsigned, *, is_cut: bool
) -> None:
    """Keep that somebody came to a source's address and was not let in, for whoever sets it up. `is_cut`: its body was
    too long to be read without a secret."""
    why = f"{error}" + (", and was too long to be read so" if is_cut else "")
    outcome = DeliveryOutcome.REFUSED if error.is_late else DeliveryOutcome.STRANGER
    await _note(backends, tenant, name, delivery_note(outcome, size, why=why))


async def _note(backends: Backends, tenant: str, name: str, delivery: Delivery) -> None:
    """Keep that a delivery was refused, where there is such a source; who sent it is answered all the same."""
    try:
        async with backends.database.write() as session:
            if await sources.get_source(session, tenant, name) is not None:
                await sources.add_delivery(session, tenant, name, delivery)
    except SQLAlchemyError as failed:
        log.warning("a refused delivery to %s could not be noted: %s", name, failed)


async def deliver(
    backends: Backends, tenant: str, known: Known, body: bytes, headers: Mapping[str, str], later: Later
) -> DeliveryTaken:
    """Take a delivery in, in one transaction: everything in it is kept once this returns.

    While the database is away what is not sent again is kept on the disk. Raises Invalid, Unavailable, SQLAlchemyError.
    """
    source, now = known.source, utc_now()
    one = Incoming(new_id(), tenant, source.name, known.by_former, headers, body, now)
    read = await read_incoming(backends, source, one, is_noted=not known.is_remembered)
    standby = backends.standby
    if standby is None or SENDERS[source.kind].retries:
        return await take_incoming(backends, one, read, later)
    if not known.is_remembered and standby.spool.is_empty:  # else it would overtake what waits
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                return await take_incoming(backends, one, read, later)
        except AWAY as error:
            log.warning("a delivery of %s is kept on the disk: %s", source.name, error or "the database is slow")
    return await _keep_aside(standby, one, read)


async def _keep_aside(standby: Standby, one: Incoming, read: Read) -> DeliveryTaken:
    try:
        await standby.spool.keep(one)
    except OSError as error:
        standby.note_refused(one.tenant, one.source)
        log.error("a delivery of %s is refused: the database is away, and %s", one.source, error)
        words = f"the database is away, and this machine's disk takes nothing: {error.strerror or error}"
        raise Unavailable(words, "nothing was kept; send it again", retry_after=RETRY_SECONDS) from error
    note = "the database is away: it waits on this machine's disk, and is taken in after that"
    return DeliveryTaken(reports=len(read.reports), counts={"kept": len(read.reports)}, notes=[*read.notes, note])


async def read_incoming(backends: Backends, source: Source, one: Incoming, *, is_noted: bool = True) -> Read:
    """Read what was sent. Raises Invalid, Unavailable; with `is_noted` the source's deliveries say so."""
    options = {"mapping": source.mapping.model_dump()} if source.mapping else {}
    sent = Sent(source=source.name, body=one.body, headers=one.headers, options=options)
    read_sent = SENDERS[source.kind].read
    try:
        asks = await subscriptions.check(backends, source, one.body, one.headers) if source.topic else None
        read = await beside(read_sent, sent) if len(one.body) > SMALL else read_sent(sent)
    except (Unreadable, Unavailable) as error:
        if is_noted:
            await _note(backends, one.tenant, one.source, _delivery_of(one, DeliveryOutcome.REFUSED, why=str(error)))
        raise invalid(error.field, error.detail) if isinstance(error, Unreadable) else error from None
    read.asks = asks
    return read


async def take_incoming(backends: Backends, one: Incoming, read: Read, later: Later | None) -> DeliveryTaken:
    """Take in what was read, once, however often it comes. Raises SQLAlchemyError."""
    results: list[ReportResult] = []
    counts: Counter[str] = Counter()

    async def keep(session: AsyncSession, taken: list[Taken]) -> None:
        results.extend(_results(read, taken))
        counts.update(result.became for result in results)
        if not await sources.has_delivery(session, one.id):
            told = {"counts": counts, "results": results[:MOST_RESULTS], "notes": read.notes}
            await sources.add_delivery(
                session, one.tenant, one.source, _delivery_of(one, DeliveryOutcome.TAKEN, **told)
            )
        if read.asks and read.delivery:
            asked = Asked(read.delivery, read.asks, one.received_at)
            await sources.note_asked(session, one.tenant, one.source, asked)

    found = [report for report in read.reports if isinstance(report, Report)]
    key = f"{one.source}/{_name_of(read) or one.id}"
    await reports.take_all(backends, one.tenant, found, one.source, key, keep=keep, later=later, retries=True)
    return DeliveryTaken(reports=len(results), counts=counts, notes=read.notes)


def _name_of(read: Read) -> str | None:
    """Return the sender's own name for a delivery, made short: what it sends again has the same, and is taken once."""
    return hashlib.sha256(read.delivery.encode("utf-8", "surrogatepass")).hexdigest()[:40] if read.delivery else None


def _results(read: Read, taken: list[Taken]) -> list[ReportResult]:
    """Return what became of everything in a delivery, in its order."""
    became = iter(taken)
    found = []
    for one in read.reports:
        if isinstance(one, NoTicket):
            found.append(ReportResult(key="", became=PASSED_OVER, why=str(one)))
            continue
        what = next(became)
        again = "sent again: it had been taken in" if what.is_again else ""
        why = "; ".join(words for words in (what.why, again, *one.notes) if words)
        found.append(
            ReportResult(key=one.key or "", title=one.title, became=what.became, why=why, ticket_id=what.ticket_id)
        )
    return found


def delivery_note(outcome: DeliveryOutcome, size: int, **more: object) -> Delivery:
    """Return what is kept of a delivery."""
    return Delivery.model_validate({"id": new_id(), "received_at": utc_now(), **more, "outcome": outcome, "size": size})


def _delivery_of(one: Incoming, outcome: DeliveryOutcome, **more: object) -> Delivery:
    told = {"id": one.id, "received_at": one.received_at, "by_former_secret": one.by_former, **more}
    return delivery_note(outcome, len(one.body), **told)
