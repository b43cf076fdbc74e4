"""Deliveries: what a source sends, taken in whole before it is answered, and what became of it."""

import base64
import binascii
import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from db import sources
from domain.base import new_id, utc_now
from domain.sealed import CipherKeyWrong
from domain.sources.registry import SENDERS
from domain.sources.reports import NoTicket, Report, Taken
from domain.sources.sender import Read, Sent, Unreadable
from domain.sources.signing import Unsigned
from domain.sources.source import MOST_RESULTS, Delivery, DeliveryOutcome, DeliveryTaken, ReportResult, Source
from services import reports
from services.backends import Backends
from services.errors import Unavailable, invalid
from services.reading import beside
from services.sources import hash_of
from services.waiting_plans import Later

log = logging.getLogger("handrail.services")

SMALL = 64 * 1024  # bytes; more is read beside the loop
PASSED_OVER = "ignored"


@dataclass(frozen=True)
class Claim:
    """Who a request says it comes from. `source`: the one at its address, None if there is none there; `is_shown`: it
    shows that source's secret; `by_former`: the one before, while it is changed. `sealed`: those it may sign with."""

    source: Source | None
    is_shown: bool
    by_former: bool
    sealed: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Known:
    """A source that is who it says it is."""

    source: Source
    by_former: bool


async def claim_of(
    backends: Backends, tenant: str, name: str, headers: Mapping[str, str], in_address: str = ""
) -> Claim:
    """Return whose secret a request shows, before its body is read. `in_address`: the secret at the end of its address.

    `headers`: their names in lower case.
    """
    async with backends.database.read() as session:
        source = await sources.get_source(session, tenant, name)
        kept = await sources.get_secrets(session, tenant, name)
    current, former = kept or (None, None)
    shown = hash_of(in_address or shown_secret(headers))
    is_current = hmac.compare_digest(shown, current.hash if current else "")
    is_former = hmac.compare_digest(shown, former.hash if former else "")
    sealed = tuple(one.sealed for one in (current, former) if one and one.sealed)
    return Claim(source, is_current or is_former, is_former, sealed)


def let_in(backends: Backends, claim: Claim, body: bytes, headers: Mapping[str, str]) -> Known:
    """Return the source that a claim is right about. Raises Unsigned for any other, Unavailable if the key that sealed
    its secrets is not here."""
    source = claim.source
    if source is None or (source.signing is None and not claim.is_shown):
        raise Unsigned("it came without this source's secret")
    if source.signing is None:
        return Known(source, claim.by_former)
    try:
        secrets = [backends.cipher.open(one)["secret"] or "" for one in claim.sealed]
    except CipherKeyWrong as error:
        raise Unavailable(f"no signature of source {source.name!r} can be checked: {error}", retry_after=60) from error
    return Known(source, by_former=source.signing.check(headers, body, secrets, utc_now()) == 1)


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
    try:
        async with backends.database.write() as session:
            if await sources.get_source(session, tenant, name) is not None:
                await sources.add_delivery(session, tenant, name, _delivery(outcome, size, why=why))
    except SQLAlchemyError as failed:
        log.warning("a refused delivery to %s could not be noted: %s", name, failed)


async def deliver(
    backends: Backends, tenant: str, known: Known, body: bytes, headers: Mapping[str, str], later: Later
) -> DeliveryTaken:
    """Take a delivery in, in one transaction: everything in it is kept once this returns. Raises Invalid."""
    source = known.source
    options = {"mapping": source.mapping.model_dump()} if source.mapping else {}
    sent = Sent(source=source.name, body=body, headers=headers, options=options)
    read_sent = SENDERS[source.kind].read
    try:
        read = await beside(read_sent, sent) if len(body) > SMALL else read_sent(sent)
    except Unreadable as error:
        refused = _delivery(DeliveryOutcome.REFUSED, len(body), why=str(error), by_former_secret=known.by_former)
        async with backends.database.write() as session:
            await sources.add_delivery(session, tenant, source.name, refused)
        raise invalid(error.field, error.detail) from None
    delivery_id = new_id()
    results: list[ReportResult] = []
    counts: Counter[str] = Counter()

    async def keep(session: AsyncSession, taken: list[Taken]) -> None:
        results.extend(_results(read, taken))
        counts.update(one.became for one in results)
        delivery = _delivery(
            DeliveryOutcome.TAKEN,
            len(body),
            id=delivery_id,
            counts=counts,
            results=results[:MOST_RESULTS],
            notes=read.notes,
            by_former_secret=known.by_former,
        )
        await sources.add_delivery(session, tenant, source.name, delivery)

    found = [one for one in read.reports if isinstance(one, Report)]
    key = f"{source.name}/{_name_of(read) or delivery_id}"
    await reports.take_all(backends, tenant, found, source.name, key, keep=keep, later=later, retries=True)
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


def _delivery(outcome: DeliveryOutcome, size: int, **more: object) -> Delivery:
    return Delivery.model_validate({"id": new_id(), **more, "received_at": utc_now(), "outcome": outcome, "size": size})
