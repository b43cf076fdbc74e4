"""Sealing single values, such as sensitive inputs, and opening them at the moment they are used."""

import base64
import hashlib
import hmac

from pydantic import Field

from db.cipher import Cipher
from domain.base import Model
from domain.sealed import CipherKeyWrong, SealedValue, ValuePlace

_PURPOSE = "sensitive input"
_FINGERPRINT = "fingerprint of a sensitive input"


class _Opened(Model):
    """What is sealed: the value with what it is for, so that neither is changed for another's."""

    value: str = Field(repr=False)
    place: ValuePlace
    fingerprint: str


def seal_value(cipher: Cipher, value: str, place: ValuePlace, actor: str) -> SealedValue:
    """Seal a value that this person gave."""
    said = "\n".join([actor, place.model_dump_json(), value])
    key = cipher.derived_keys(_FINGERPRINT)[0]
    fingerprint = hmac.new(key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return _sealed(cipher, _Opened(value=value, place=place, fingerprint=fingerprint))


def open_value(cipher: Cipher, sealed: SealedValue, place: ValuePlace) -> str:
    """Return the value. Raises CipherKeyWrong without its key, and for what was sealed for another place or plan."""
    opened = _opened(cipher, sealed)
    if (opened.place, opened.fingerprint) != (place, sealed.fingerprint):
        raise CipherKeyWrong("sealed for something else: it was changed after it was stored")
    return opened.value


def reseal_value(cipher: Cipher, sealed: SealedValue) -> SealedValue:
    """Seal it with the first key; its fingerprint stays. Raises CipherKeyWrong."""
    return _sealed(cipher, _opened(cipher, sealed))


def _sealed(cipher: Cipher, opened: _Opened) -> SealedValue:
    key_id, data = cipher.box(_PURPOSE).seal(opened.model_dump_json().encode())
    return SealedValue(key_id=key_id, data=base64.b64encode(data).decode(), fingerprint=opened.fingerprint)


def _opened(cipher: Cipher, sealed: SealedValue) -> _Opened:
    data = cipher.box(_PURPOSE).open(sealed.key_id, base64.b64decode(sealed.data))
    return _Opened.model_validate_json(data)
