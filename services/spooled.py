"""What was kept on the disk while the database was away: taken in once it is back, and what doctor says of it."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from db import sources
from db.engine import Database
from domain.base import utc_now
from domain.finding import Finding, FindingKind
from domain.sources.source import DeliveryOutcome
from services.backends import Backends
from services.deliveries import delivery_note, read_incoming, take_incoming
from services.errors import Invalid
from services.spool import Incoming, spooled_files, unreadable_files
from services.standby import Standby

LATE_SECONDS = 60.0
TOLD_FOR = timedelta(days=7)

log = logging.getLogger("handrail.services")


async def take_next(backends: Backends, standby: Standby) -> bool:
    """Take in the one that came first; False if none waits. One that cannot be taken in for another reason than the
    database is set aside. Raises SQLAlchemyError, OSError."""
    found = await standby.spool.oldest()
    if found is None:
        await note_gaps(backends, standby)
        return False
    name, one = found
    try:
        await take_spooled(backends, one)
    except (SQLAlchemyError, OSError):
        raise
    except Exception:
        log.exception("a delivery of %s that was kept on the disk is set aside", one.source)
        await standby.spool.set_aside(name)
    else:
        await standby.spool.drop(name)
    return True


async def take_spooled(backends: Backends, one: Incoming) -> None:
    """Take in what was kept on the disk, once, however often this is tried. Raises SQLAlchemyError."""
    async with backends.database.read() as session:
        source = await sources.get_source(session, one.tenant, one.source)
    if source is None:
        log.warning("a delivery of %s is dropped: that source was removed while it waited on the disk", one.source)
        return
    with suppress(Invalid):
        read = await read_incoming(backends, source, one)
        read.notes.append("the database was away: it waited on the disk")
        await take_incoming(backends, one, read, None)


async def note_gaps(backends: Backends, standby: Standby) -> None:
    """Keep what was refused while nothing could keep it, for whoever looks at its source. Raises SQLAlchemyError."""
    for (tenant, name), gap in list(standby.gaps.items()):
        why = f"{gap.count} refused from {gap.first:%Y-%m-%d %H:%M:%S} to {gap.last:%H:%M:%S} UTC: the database was "
        lost = delivery_note(
            DeliveryOutcome.LOST, 0, why=f"{why}away, and the disk took no more", counts={"lost": gap.count}
        )
        async with backends.database.write() as session:
            if await sources.get_source(session, tenant, name) is not None:
                await sources.add_delivery(session, tenant, name, lost)
        del standby.gaps[tenant, name]


async def find_spooled(folder: Path) -> list[Finding]:
    """Return what waits on this machine's disk for longer than a minute, and what cannot be taken in."""
    waiting, unreadable = await asyncio.to_thread(_look, folder)
    found = []
    if waiting:
        what = f"{len(waiting)} deliveries of sources wait in {folder} for the database, for {max(waiting):.0f} seconds"
        mend = "the API takes them in once the database answers it: see that both run"
        found.append(Finding(kind=FindingKind.DELIVERIES_WAIT, what=what, mend=mend))
    if unreadable:
        what = f"{len(unreadable)} deliveries in {folder} cannot be taken in: {', '.join(unreadable[:3])}"
        mend = "add the key that HANDRAIL_SECRET_KEYS had then, rename them to .delivery, and restart the API"
        found.append(Finding(kind=FindingKind.DELIVERIES_UNREADABLE, what=what, mend=f"{mend}; or remove them"))
    return found


async def find_lost(database: Database) -> list[Finding]:
    """Return a finding for what was refused in the last week as nothing could keep it. Raises SQLAlchemyError."""
    async with database.read() as session:
        lost = await sources.list_lost(session, utc_now() - TOLD_FOR)
    mend = "look in the sender for what fired then; whoever sends again what is answered with 503 has done so"
    return [
        Finding(
            kind=FindingKind.DELIVERIES_LOST,
            what=f"of source {name} deliveries are missing: {one.why}",
            mend=mend,
            tenant=tenant,
        )
        for tenant, name, one in lost
    ]


def _look(folder: Path) -> tuple[list[float], list[str]]:
    now = time.time()
    ages = [now - path.stat().st_mtime for path in spooled_files(folder)]
    late = ages if any(age > LATE_SECONDS for age in ages) else []
    return late, [path.name for path in unreadable_files(folder)]
