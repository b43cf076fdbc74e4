"""How senders sign: HMAC-SHA256 over what they send, with a secret that both sides have."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.base import Model
from domain.sources.fitting import Fitting

WINDOW = timedelta(minutes=5)
"""How far from now a signed time may be: what was overheard cannot be sent again later."""

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


class Unsigned(ValueError):
    """It does not come from the source, for what its signature says. `is_late`: the signature is the source's own, and
    not of now."""

    def __init__(self, why: str, *, is_late: bool = False) -> None:
        super().__init__(why)
        self.is_late = is_late


class HmacForm(Model):
    """Where a sender writes its signatures, and over what it makes them: the body, or time, separator and body."""

    header: HeaderName = Field(description="The header with the signature, or several with commas between.")
    prefix: str = Field(default="", max_length=20, examples=["sha256="], description="What stands before each.")
    encoding: Literal["hex", "base64"] = "hex"
    timestamp_header: HeaderName | None = Field(
        default=None, description="The header with the signed time; deliveries more than 5 minutes from it are refused."
    )
    separator: str = Field(default=":", max_length=5, description="Between the time and the body.")

    def check(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> int:
        """Return which of the secrets signed this, by its place. `headers`: names in lower case. Raises Unsigned."""
        given = self._given(headers)
        time = headers.get(self.timestamp_header.lower(), "") if self.timestamp_header else ""
        if self.timestamp_header and not time:
            raise Unsigned(f"it has no time in {self.timestamp_header}")
        signed = (time + self.separator).encode("latin-1", "replace") + body if time else body
        fits = [_is_among(self._made(secret, signed), given) for secret in secrets]
        if not any(fits):
            raise Unsigned(f"its signature in {self.header} fits no secret of this source")
        if time:
            _check_time(time, now)
        return fits.index(True)

    def _given(self, headers: Mapping[str, str]) -> list[bytes]:
        parts = [one.strip() for one in headers.get(self.header.lower(), "").split(",")]
        found = [one.removeprefix(self.prefix) for one in parts if one.startswith(self.prefix) and one != self.prefix]
        if not found:
            raise Unsigned(f"it has no signature in {self.header}")
        return [(one.lower() if self.encoding == "hex" else one).encode("utf-8", "replace") for one in found]

    def _made(self, secret: str, signed: bytes) -> bytes:
        digest = hmac.new(secret.encode(), signed, hashlib.sha256)
        return digest.hexdigest().encode() if self.encoding == "hex" else base64.b64encode(digest.digest())


def _is_among(made: bytes, given: Sequence[bytes]) -> bool:
    """Every one is compared, in constant time."""
    return any([hmac.compare_digest(made, one) for one in given])


def _check_time(said: str, now: datetime) -> None:
    """Raises Unsigned for what is older than WINDOW, or as far in the future."""
    moment = Fitting(()).time("time", said)
    if moment is None:
        raise Unsigned(f"its time {said[:40]!r} is none that is known here", is_late=True)
    if abs(now - moment) > WINDOW:
        words = "old" if moment < now else "in the future"
        seconds = int(abs(now - moment).total_seconds())
        raise Unsigned(f"its signature is right, and {seconds} seconds {words}: look at both clocks", is_late=True)
