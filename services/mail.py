"""What arrives for a ticket's story: what counts, what is forged, unsigned or sent again, and which run may act."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import events, signed
from db.engine import Database
from domain.signature import Letter, MessageKind, Signer, read_signed_text
from domain.tickets.event import EventKind
from domain.workflows.orders import Mail
from domain.workflows.outlines import MailRead
from services.errors import NotFound

STRANGER = "this run was started or reset outside Handrail, so it does nothing"
LONGEST_WORDS = 2_000


class NotAdmitted(Exception):
    """Nobody with a token asked for it: it is not done, however often it is tried. The text says what."""

    def __init__(self, why: str = STRANGER) -> None:
        super().__init__(why)


async def read_mail(database: Database, signer: Signer, mail: Mail, run_id: str) -> MailRead:
    """Look at signatures, take what is genuine, and say in the timeline what is not.

    Raises NotFound, and NotAdmitted for a run that may not act.
    """
    async with database.write() as session:
        if await signed.acting_run(session, mail.tenant, mail.ticket_id) is None:
            raise NotFound(f"tenant {mail.tenant} has no ticket {mail.ticket_id!r}")
        reader = _Reader(session, signer, mail, run_id)
        reader.acts = await take_run(session, mail.tenant, mail.ticket_id, run_id)
        problems = [await reader.look_at(letter) for letter in mail.letters]
        refused = [*mail.unsigned, *(problem for problem in problems if problem is not None)]
        if refused and mail.is_told:
            await _tell(session, mail, run_id, refused)
    return MailRead(is_genuine=[problem is None for problem in problems])


class _Reader:
    """Reads the letters of one run. `acts`: the run may act; the first genuine letter lets it."""

    def __init__(self, session: AsyncSession, signer: Signer, mail: Mail, run_id: str) -> None:
        self._session, self._signer, self._mail, self._run_id = session, signer, mail, run_id
        self.acts = False

    async def look_at(self, letter: Letter) -> str | None:
        """Return what is wrong with a letter, in words, or None for one that counts. Raises NotAdmitted."""
        mail, document = self._mail, read_signed_text(letter.text)
        problem = self._signer.problem_with(letter, mail.tenant, mail.ticket_id)
        if problem is None and not (self.acts or mail.opens or letter.kind is MessageKind.START):
            raise NotAdmitted
        problem = problem or await take(self._session, document, self._run_id)
        if problem is not None:
            return f"{problem}: {_words(document)}"
        if not self.acts:
            await signed.let_act(self._session, mail.tenant, mail.ticket_id, self._run_id)
            self.acts = True
        return None


async def take(session: AsyncSession, document: dict[str, Any], run_id: str) -> str | None:
    """Take what was signed, for this run of a workflow; return why not."""
    return None if await signed.take_message(session, document, run_id) else "sent again"


async def take_run(session: AsyncSession, tenant: str, ticket_id: str, run_id: str) -> bool:
    """Return whether a run may act for a ticket; the one from before there were signatures may."""
    acting = await signed.acting_run(session, tenant, ticket_id)
    if acting == signed.EARLIER_RUN:
        await signed.let_act(session, tenant, ticket_id, run_id)
        return True
    return acting == run_id


async def is_admitted(database: Database, tenant: str, ticket_id: str, run_id: str) -> bool:
    """Return whether a run may have something done for a ticket; where there is no such ticket, that will be said."""
    async with database.read() as session:
        acting = await signed.acting_run(session, tenant, ticket_id)
    if acting != signed.EARLIER_RUN:
        return acting is None or acting == run_id
    async with database.write() as session:
        return await take_run(session, tenant, ticket_id, run_id)


async def tell_refused(database: Database, ticket_id: str, run_id: str, why: str) -> None:
    """Say in the timeline, once a run, that it was refused."""
    text = f"{why}: workflow run {run_id}"
    async with database.write() as session:
        await events.add_event(session, ticket_id, f"{run_id}/refused", EventKind.REQUEST_REFUSED, text)


def _words(document: dict[str, Any]) -> str:
    actor = document["message"].get("actor")
    return f"{document['kind']}" + (f" in the name of {actor}" if actor else "")


async def _tell(session: AsyncSession, mail: Mail, run_id: str, refused: list[str]) -> None:
    more = mail.unsigned_total - len(mail.unsigned)
    rest = f"; and {more} more" if more else ""
    words = "without effect, since nobody with a token asked for it through Handrail"
    text = f"{words}: {'; '.join(refused)}{rest}"[:LONGEST_WORDS]
    key = f"{run_id}/mail{mail.number}"
    await events.add_event(session, mail.ticket_id, key, EventKind.REQUEST_REFUSED, text)
