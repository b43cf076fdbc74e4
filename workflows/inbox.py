"""The inbox of a ticket's workflow: what arrives is put aside, and counts once its signature has been looked at."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.signatures import SignatureActivities
    from domain.signature import Letter, MessageKind, Signed, letter_of
    from domain.workflows.orders import Mail
    from workflows import names, options
    from workflows.messages import FirstMove, TicketStart

MOST_LETTERS = 100
MOST_CHARACTERS = 500_000  # of one mail: a payload of Temporal has 2 MB
MOST_WORDS = 20
MOST_TOLD = 20  # mails whose refusals are told of: a flood of them fills neither the timeline nor the history


class Inbox:
    """One look at a time, at all that has arrived by then: a flood of forgeries delays a genuine message by little."""

    def __init__(self, start: TicketStart) -> None:
        self._start = start
        self._letters: list[tuple[Letter, asyncio.Future[bool]]] = []
        self._unsigned: list[str] = []
        self._unsigned_total = 0
        self._seen: set[tuple[str, str]] = set()
        self._told = 0
        self._number = 0
        self._is_looking = False
        self._opens = start.first_move is FirstMove.REQUEST
        # A run of an earlier release: what had arrived before the upgrade counts without a signature, and no more.
        self._is_earlier = not workflow.patched(names.Change.SIGNED_MESSAGES)
        self._heard = 0

    @property
    def wants_signatures(self) -> bool:
        """Whether this run began under a release that signs everything."""
        return not self._is_earlier

    @property
    def is_empty(self) -> bool:
        return not (self._letters or self._unsigned or self._is_looking)

    async def is_genuine(self, kind: MessageKind, message: Signed, words: str) -> bool:
        """Return whether a message carries our signature and was never taken before; all others are told of.

        `words` says what it is and in whose name.
        """
        if self._is_earlier and not self._arrived_after_the_upgrade():
            return True
        signature = message.signature
        if signature is None:
            self._tell(f"unsigned: {words}")
            return False
        letter = letter_of(kind, self._start.tenant, self._start.ticket_id, message)
        # Not by its signature alone: a forgery that borrows it must not keep the genuine message out.
        if (letter.text, letter.value) in self._seen:
            self._tell(f"sent again: {words}")
            return False
        self._seen.add((letter.text, letter.value))
        looked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._letters.append((letter, looked))
        return await looked

    async def attend(self) -> None:
        """Look at what arrives, for as long as the run lasts."""
        while True:
            await workflow.wait_condition(lambda: bool(self._letters or self._unsigned))
            self._is_looking = True
            letters = self._take_letters()
            try:
                genuine = await self._look_at([letter for letter, _ in letters])
            except FailureError as error:  # this run may not act: whoever waits ends it
                for _, looked in letters:
                    looked.set_exception(error)
            else:
                self._told += not all(genuine)
                for (_, looked), is_genuine in zip(letters, genuine, strict=True):
                    looked.set_result(is_genuine)
                    self._opens = self._opens and not is_genuine
            self._is_looking = False

    async def _look_at(self, letters: list[Letter]) -> list[bool]:
        mail = Mail(
            tenant=self._start.tenant,
            ticket_id=self._start.ticket_id,
            number=self._number,
            letters=letters,
            unsigned=self._unsigned,
            unsigned_total=self._unsigned_total,
            opens=self._opens,
            is_told=self._told <= MOST_TOLD,
        )
        self._number += 1
        self._unsigned, self._unsigned_total = [], 0
        # Local, because nobody can answer for the worker then: Temporal lets anyone complete an activity by its id.
        read = await workflow.execute_local_activity_method(
            SignatureActivities.read_mail, mail, summary=f"look at {len(letters)} signatures", **options.SIGNATURES
        )
        return read.is_genuine

    def _take_letters(self) -> list[tuple[Letter, "asyncio.Future[bool]"]]:
        taken, characters = 0, 0
        for letter, _ in self._letters[:MOST_LETTERS]:
            characters += len(letter.text)
            if taken and characters > MOST_CHARACTERS:
                break
            taken += 1
        letters, self._letters = self._letters[:taken], self._letters[taken:]
        return letters

    def _tell(self, words: str) -> None:
        if self._told >= MOST_TOLD:
            return
        if not self._unsigned:
            self._told += 1
        self._unsigned_total += 1
        if len(self._unsigned) < MOST_WORDS:
            self._unsigned.append(words[:300])

    def _arrived_after_the_upgrade(self) -> bool:
        """Each message has a marker of its own: one for all would say of the next what was true of the first."""
        self._heard += 1
        return workflow.patched(f"{names.Change.SIGNED_MESSAGES}-{self._heard}")
