"""The API's signature on what it sends to workflows: a person with a token said this, about this ticket, once."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import Field

from domain.base import WireModel, utc_now

# An approval is good for as long as its plan waits. Whatever else lies about for so long is asked for again.
GOOD_FOR = timedelta(days=7)


class MessageKind(StrEnum):
    """What is signed. A signature on one kind is none on another."""

    START = "start"
    APPROVAL = "approval"
    CANCEL = "cancel"
    EXECUTE = "execute"
    ROLLBACK = "rollback"
    REOPEN = "reopen"
    CLEARED = "cleared"
    CONNECTION_CHECK = "connection_check"


class Signature(WireModel):
    """`id` names the message, which counts once; `execution_id`: the execution that it is about, if it is about one."""

    id: str
    execution_id: str | None = None
    signed_at: datetime
    value: str = Field(description="HMAC-SHA256 over the message, where it goes, and the fields above; hexadecimal.")


class Letter(WireModel):
    """A message whose signature is to be looked at. `text` is what was signed, if it was."""

    kind: MessageKind
    text: str
    value: str = Field(description="What is said to be our signature on it.")


class Signed(WireModel):
    """A message that counts only if it is signed."""

    signature: Signature | None = None


Message = TypeVar("Message", bound=Signed)


def letter_of(kind: MessageKind, tenant: str, subject: str, message: Signed) -> Letter:
    """Return a signed message as a letter; `subject`: a ticket's id, or a connection's name."""
    assert message.signature is not None
    return Letter(kind=kind, text=_signed_text(kind, tenant, subject, message), value=message.signature.value)


def _signed_text(kind: MessageKind, tenant: str, subject: str, message: Signed) -> str:
    """Return what is signed: the message, who it goes to, and the signature's own fields.

    Defaults are left out, so that a field which a later release adds voids no signature made before.
    """
    signature = message.signature
    assert signature is not None
    document = {
        "kind": kind.value,
        "tenant": tenant,
        "subject": subject,
        "id": signature.id,
        "execution_id": signature.execution_id,
        "signed_at": signature.signed_at.isoformat(),
        "message": message.model_dump(mode="json", exclude={"signature"}, exclude_defaults=True),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def read_signed_text(text: str) -> dict[str, Any]:
    """Return what was signed, to be believed only with a signature that fits."""
    document: dict[str, Any] = json.loads(text)
    return document


class Signer:
    """Signs with the first key and believes all of them, so that keys can be changed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def sign(
        self,
        kind: MessageKind,
        tenant: str,
        subject: str,
        message: Message,
        *,
        message_id: str,
        execution_id: str | None = None,
    ) -> Message:
        """Return the message with a signature."""
        blank = Signature(id=message_id, execution_id=execution_id, signed_at=utc_now(), value="")
        draft = message.model_copy(update={"signature": blank})
        value = _mac(self._keys[0], _signed_text(kind, tenant, subject, draft))
        return message.model_copy(update={"signature": blank.model_copy(update={"value": value})})

    def problem_with(self, letter: Letter, tenant: str, subject: str) -> str | None:
        """Return why a letter to this subject is not believed."""
        said = letter.value.encode("utf-8", "replace")  # as a str it would have to be ASCII
        if not any([hmac.compare_digest(_mac(key, letter.text).encode(), said) for key in self._keys]):
            return "not signed by Handrail"
        document = read_signed_text(letter.text)
        if (document["kind"], document["tenant"], document["subject"]) != (letter.kind.value, tenant, subject):
            return "meant for somebody else"
        is_old = utc_now() - datetime.fromisoformat(document["signed_at"]) > GOOD_FOR
        if is_old and letter.kind is not MessageKind.APPROVAL:
            return f"signed more than {GOOD_FOR.days} days ago"
        return None


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
