"""Encryption of secrets at rest."""

import base64
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_BYTES = 6


class CipherKeyWrong(Exception):
    """A secret was sealed with a key that this installation does not have (any more)."""


class Cipher:
    """Seals small documents with Fernet (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, keys: list[str]) -> None:
        """`keys`: Fernet keys; the first one seals, all of them open, so that keys can be changed."""
        self._keys = keys
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        ids = [derived[:KEY_ID_BYTES].hex() for derived in self.derived_keys("key id")]
        self._by_id = dict(zip(ids, (Fernet(key) for key in keys), strict=True))

    @property
    def key_ids(self) -> list[str]:
        """Names of the keys that say nothing about them; the sealing one first."""
        return list(self._by_id)

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

    def key_of(self, sealed: bytes) -> str | None:
        """Return the id of the key that opens what `seal` made; None if it is not here (any more)."""
        for key_id, fernet in self._by_id.items():
            try:
                fernet.decrypt(sealed)
            except InvalidToken:
                continue
            return key_id
        return None

    def seal_bytes(self, data: bytes) -> tuple[str, bytes]:
        """Return the id of the key, which has to be kept beside it, and what it made of the data."""
        key_id = self.key_ids[0]
        return key_id, base64.urlsafe_b64decode(self._by_id[key_id].encrypt(data))

    def open_bytes(self, key_id: str, sealed: bytes) -> bytes:
        """Raises CipherKeyWrong, whose text names a key that is missing."""
        if key_id not in self._by_id:
            raise CipherKeyWrong(f"sealed with key {key_id}, which is not (any more) in HANDRAIL_SECRET_KEYS: add it")
        try:
            return self._by_id[key_id].decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken as error:
            raise CipherKeyWrong(f"not what key {key_id} sealed: damaged, or made by somebody else") from error
