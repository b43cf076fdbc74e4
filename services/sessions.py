"""Who somebody is: the owner of a token, or of a session that began with one and is not ended yet."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import jwt

from db.cipher import Cipher
from db.sessions import end_session as keep_end
from db.sessions import has_ended
from domain.base import new_id, utc_now
from services.backends import Backends

SESSION_LIFE = timedelta(hours=12)
_ALGORITHM = "HS256"
_PURPOSE = "web session"


class _Session(NamedTuple):
    owner: str
    id: str


def token_owner(token: str, tokens: Mapping[str, str]) -> str | None:
    """Return the name of a token's owner; `tokens`: token -> name. Every token is compared, in constant time, so that
    the time taken says nothing about any of them."""
    found = None
    for known, owner in tokens.items():
        if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
            found = owner
    return found


def begin_session(owner: str, cipher: Cipher) -> str:
    """Return a signed text that stands for its owner while the session lives."""
    claims = {"sub": owner, "exp": utc_now() + SESSION_LIFE, "jti": new_id()}
    return jwt.encode(claims, cipher.derived_keys(_PURPOSE)[0], algorithm=_ALGORITHM)


async def session_owner(backends: Backends, text: str, tokens: Mapping[str, str]) -> str | None:
    """Return whose session it is, or None. Raises DBAPIError or TimeoutError of SQLAlchemy where that cannot be looked
    up."""
    found = _read(text, backends.cipher, tokens)
    if found is None:
        return None
    async with backends.database.read() as session:
        return None if await has_ended(session, found.id) else found.owner


async def end_session(backends: Backends, text: str, tokens: Mapping[str, str]) -> None:
    """End a session for good: a copy of it is nobody's from now on."""
    found = _read(text, backends.cipher, tokens)
    if found is not None:
        async with backends.database.write() as session:
            await keep_end(session, found.id)


def _read(text: str, cipher: Cipher, tokens: Mapping[str, str]) -> _Session | None:
    """A session ends early when its owner's token is withdrawn."""
    for key in cipher.derived_keys(_PURPOSE):
        try:
            claims = jwt.decode(text, key, algorithms=[_ALGORITHM], options={"require": ["exp", "sub"]})
        except jwt.InvalidTokenError:
            continue
        owner = str(claims["sub"])
        session_id = str(claims.get("jti") or f"{owner}/{claims['exp']}")  # those of older releases have no id
        return _Session(owner, session_id) if owner in tokens.values() else None
    return None
