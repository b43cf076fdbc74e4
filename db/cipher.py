"""Encryption of secrets at rest."""

import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class CipherKeyWrong(Exception):
    """A secret was sealed with a key that this installation does not have (any more)."""


class Cipher:
    """Seals small documents with Fernet (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, keys: list[str]) -> None:
        """`keys`: Fernet keys; the first one seals, all of them open, so that keys can be changed."""
        self._keys = keys
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def derived_keys(self, purpose: str) -> list[bytes]:
        """Return 32 bytes for each key, for another purpose than sealing; the first one signs, all of them check."""
        return [HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(key.encode()) for key in self._keys]

    def seal(self, document: dict[str, str | None]) -> bytes:
        return self._fernet.encrypt(json.dumps(document).encode())

    def open(self, sealed: bytes) -> dict[str, str | None]:
        """Raises CipherKeyWrong."""
        try:
            opened: dict[str, str | None] = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise CipherKeyWrong(
                "sealed with another key: set HANDRAIL_SECRET_KEYS to the one it was stored with"
            ) from error
        return opened
