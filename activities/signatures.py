"""Looking at signatures: what counts, what is forged, unsigned or sent again, and which run may act for a ticket."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.admission import not_admitted, take_run
from activities.messages import Mail, MailRead
from activities.tickets import TicketGone
from db import events, signed
from db.engine import Database
from domain.event import EventKind
from domain.signature import MessageKind, Signer, read_signed_text
from workflows.names import ActivityName


class SignatureActivities:
    """`signer` knows the keys; what it believes is noted in the database, once."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database, self._signer = database, signer

    @activity.defn(name=ActivityName.READ_MAIL)
    async def read_mail(self, mail: Mail) -> MailRead:
        """Look at signatures, take what is genuine, and say in the timeline what is not.

        Raises TicketGone; a failure that is not retried for a run that may not act.
        """
        run_id = activity.info().workflow_run_id or ""
        async with self._database.write() as session:
            if await signed.acting_run(session, mail.tenant, mail.ticket_id) is None:
                raise TicketGone(mail.ticket_id)
            acts = await take_run(session, mail.tenant, mail.ticket_id, run_id)
            refused = list(mail.unsigned)
            genuine: list[bool] = []
            for letter in mail.letters:
                document = read_signed_text(letter.text)
                problem = self._signer.problem_with(letter, mail.tenant, mail.ticket_id)
                if problem is None and not (acts or mail.opens or letter.kind is MessageKind.START):
                    raise not_admitted()
                problem = problem or await take(session, document, run_id)
                if problem is None and not acts:
                    await signed.let_act(session, mail.tenant, mail.ticket_id, run_id)
                    acts = True
                if problem is not None:
                    refused.append(f"{problem}: {_words(document)}")
                genuine.append(problem is None)
            if refused and mail.is_told:
                more = mail.unsigned_total - len(mail.unsigned)
                await _tell(session, mail, run_id, refused, more)
        return MailRead(is_genuine=genuine)


async def take(session: AsyncSession, document: dict[str, Any], run_id: str) -> str | None:
    """Take what was signed, for this run of a workflow; return why not."""
    return None if await signed.take_message(session, document, run_id) else "sent again"


def _words(document: dict[str, Any]) -> str:
    message = document["message"]
    actor = message.get("actor")
    return f"{document['kind']}" + (f" in the name of {actor}" if actor else "")


async def _tell(session: AsyncSession, mail: Mail, run_id: str, refused: list[str], more: int) -> None:
    rest = f"; and {more} more" if more else ""
    await events.add_event(
        session,
        mail.ticket_id,
        f"{run_id}/mail{mail.number}",
        EventKind.REQUEST_REFUSED,
        f"without effect, since nobody with a token asked for it through Handrail: {'; '.join(refused)}{rest}"[:2000],
    )
