"""Deliveries: what a source sends, taken in whole before it is answered, and what became of it."""

import base64
import binascii
import hmac
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from db import sources
from domain.base import new_id, utc_now
from domain.sources.registry import SENDERS
from domain.sources.reports import NoTicket, Report, Taken
from domain.sources.sender import Read, Sent, Unreadable
from domain.sources.source import MOST_RESULTS, Delivery, DeliveryOutcome, DeliveryTaken, ReportResult, Source
from services import reports
from services.backends import Backends
from services.errors import invalid
from services.reading import beside
from services.sources import hash_of
from services.waiting_plans import Later

log = logging.getLogger("handrail.services")

SMALL = 64 * 1024  # bytes; more is read beside the loop
PASSED_OVER = "ignored"


@dataclass(frozen=True)
class Claim:
    """Who a request says it comes from. `source`: the one at its address, None if there is none there; `is_shown`: it
    shows that source's secret; `by_former`: the one before, while it is changed."""

    source: Source | None
    is_shown: bool
    by_former: bool


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
        hashes = await sources.get_hashes(session, tenant, name)
    shown = hash_of(in_address or shown_secret(headers))
    is_current = hmac.compare_digest(shown, hashes.current if hashes else "")
    is_former = hmac.compare_digest(shown, hashes.former or "" if hashes else "")
    return Claim(source, is_current or is_former, is_former)


def let_in(claim: Claim) -> Known | None:
    """Return the source that a claim is right about, or None."""
    return Known(claim.source, claim.by_former) if claim.source is not None and claim.is_shown else None


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


async def note_stranger(backends: Backends, tenant: str, name: str, size: int, *, is_cut: bool = False) -> None:
    """Keep that somebody came to a source's address without its secret, for whoever sets it up. `is_cut`: its body was
    too long to be read."""
    try:
        async with backends.database.write() as session:
            if await sources.get_source(session, tenant, name) is not None:
                why = "it came without this source's secret" + (", and was too long to be read so" if is_cut else "")
                await sources.add_delivery(session, tenant, name, _delivery(DeliveryOutcome.STRANGER, size, why=why))
    except SQLAlchemyError as error:
        log.warning("a refused delivery to %s could not be noted: %s", name, error)


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
    key = f"{source.name}/{delivery_id}"
    await reports.take_all(backends, tenant, found, source.name, key, keep=keep, later=later)
    return DeliveryTaken(reports=len(results), counts=counts, notes=read.notes)


def _results(read: Read, taken: list[Taken]) -> list[ReportResult]:
    """Return what became of everything in a delivery, in its order."""
    became = iter(taken)
    found = []
    for one in read.reports:
        if isinstance(one, NoTicket):
            found.append(ReportResult(key="", became=PASSED_OVER, why=str(one)))
            continue
        what = next(became)
        why = "; ".join([what.why, *one.notes] if what.why else one.notes)
        found.append(
            ReportResult(key=one.key or "", title=one.title, became=what.became, why=why, ticket_id=what.ticket_id)
        )
    return found


def _delivery(outcome: DeliveryOutcome, size: int, **more: object) -> Delivery:
    return Delivery.model_validate({"id": new_id(), **more, "received_at": utc_now(), "outcome": outcome, "size": size})
