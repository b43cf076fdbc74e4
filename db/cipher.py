"""Encryption of secrets at rest."""

import base64
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.sealed import CipherKeyWrong
from domain.signature import Signer

KEY_ID_BYTES = 6


class Cipher:
    """Seals small documents with Fernet (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, keys: list[str]) -> None:
        """`keys`: Fernet keys; the first one seals, all of them open, so that keys can be changed."""
        self._keys = keys
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.key_ids = [derived[:KEY_ID_BYTES].hex() for derived in self.derived_keys("key id")]
        """Names of the keys that say nothing about them; the sealing one first."""

    def derived_keys(self, purpose: str) -> list[bytes]:
        """Return 32 bytes for each key, for another purpose than sealing; the first one signs, all of them check."""
        return [HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(key.encode()) for key in self._keys]

    def signer(self) -> Signer:
        """Return who signs and verifies what people say to workflows."""
        return Signer(self.derived_keys("signed message"))

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
        for key_id, key in zip(self.key_ids, self._keys, strict=True):
            try:
                Fernet(key).decrypt(sealed)
            except InvalidToken:
                continue
            return key_id
        return None

    def box(self, purpose: str) -> "Box":
        """Return what seals bytes for one purpose: what it sealed is opened for no other."""
        derived = [Fernet(base64.urlsafe_b64encode(key)) for key in self.derived_keys(purpose)]
        return Box(dict(zip(self.key_ids, derived, strict=True)))


class Box:
    """Seals bytes. The id of the key is kept beside them, so that it can be said which keys are needed."""

    def __init__(self, fernets: dict[str, Fernet]) -> None:
        """`fernets`: by id of the key they derive from; the first one seals, all of them open."""
        self._fernets = fernets

    def seal(self, data: bytes) -> tuple[str, bytes]:
        """Return the id of the key and what it made of the data."""
        key_id = next(iter(self._fernets))
        return key_id, base64.urlsafe_b64decode(self._fernets[key_id].encrypt(data))

    def open(self, key_id: str, sealed: bytes) -> bytes:
        """Raises CipherKeyWrong, whose text names a key that is missing."""
        if key_id not in self._fernets:
            raise CipherKeyWrong(f"sealed with key {key_id}, which is not (any more) in HANDRAIL_SECRET_KEYS: add it")
        try:
            return self._fernets[key_id].decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken as error:
            raise CipherKeyWrong(f"not what key {key_id} sealed: damaged, or made by somebody else") from error
