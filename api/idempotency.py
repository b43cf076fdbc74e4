"""Idempotency-Key: the same write sent twice is done once, and answered twice."""

import hashlib
import hmac
import logging
import re

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import ApiContext
from api.problems import Problem, to_response
from db import idempotency
from db.idempotency import KeptAnswer

log = logging.getLogger("handrail.api")

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_PURPOSE = "idempotency digest"


class IdempotentWrites:
    """Answers a repeated write from what was kept. Only successes are kept: any other answer means nothing changed.

    Comes after authentication and BodyLimit: it reads `state.actor` and `state.body`. A route that is idempotent by
    itself, and whose answer may get better, sets `state.is_repeatable`: then nothing is kept.
    """

    def __init__(self, app: ASGIApp, context: ApiContext) -> None:
        self._app, self._services = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None or scope["method"] not in WRITES or scope["state"]["actor"] is None:
            await self._app(scope, receive, send)
            return
        if not _KEY.fullmatch(key):
            problem = Problem(422, "Idempotency-Key takes 1 to 200 visible ASCII characters, such as a UUID")
            await to_response(problem, scope["path"])(scope, receive, send)
            return
        owned = f"{key}\n{scope['state']['actor']}"[:500]
        digest = self._digest(scope)
        try:
            async with self._services.database.write() as session:
                before = await idempotency.claim_key(session, owned, digest)
        except SQLAlchemyError as error:
            log.error("the database did not answer: %s", error)
            problem = Problem(503, "the database does not answer; nothing was changed, try again soon")
            await to_response(problem, scope["path"])(scope, receive, send)
            return
        if before is not None:
            await _answer_again(before, digest, scope["path"])(scope, receive, send)
            return
        await self._run(owned, scope, receive, send)

    async def _run(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request run; its answer is kept before its last byte is sent."""
        answer = _Answer()

        async def keep(message: Message) -> None:
            if answer.take(message):
                await self._settle(key, answer, is_kept=not scope["state"].get("is_repeatable", False))
            await send(message)

        try:
            await self._app(scope, receive, keep)
        finally:
            if not answer.is_settled:
                await self._settle(key, answer, is_kept=False)

    async def _settle(self, key: str, answer: "_Answer", *, is_kept: bool) -> None:
        answer.is_settled = True
        try:
            async with self._services.database.write() as session:
                if is_kept and 200 <= answer.status < 300:
                    await idempotency.keep_answer(session, key, answer.status, answer.media_type, bytes(answer.body))
                else:
                    await idempotency.forget_key(session, key)
        except SQLAlchemyError as error:
            log.error("the answer could not be kept under its Idempotency-Key: %s", error)

    def _digest(self, scope: Scope) -> str:
        """Keyed, because a body may hold a password that could be guessed from a plain hash."""
        asked = "\n".join([scope["method"], scope["path"], scope["query_string"].decode("latin-1")]).encode()
        secret = self._services.cipher.derived_keys(_PURPOSE)[0]
        return hmac.new(secret, asked + b"\n\n" + scope["state"]["body"], hashlib.sha256).hexdigest()


class _Answer:
    """An answer as it passes by."""

    def __init__(self) -> None:
        self.status = 0
        self.media_type = ""
        self.body = bytearray()
        self.is_settled = False

    def take(self, message: Message) -> bool:
        """Note one message; True if it is the last."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media_type = MutableHeaders(raw=message["headers"]).get("content-type", "")
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            return not message.get("more_body", False)
        return False


def _answer_again(before: KeptAnswer, digest: str, path: str) -> Response:
    if before.request_digest != digest:
        problem = Problem(422, "this Idempotency-Key was used for another request; take a new key for a new request")
        return to_response(problem, path)
    if before.status is None:
        problem = Problem(
            409,
            "the first request with this Idempotency-Key is still being answered; try again soon",
            headers={"Retry-After": "1"},
        )
        return to_response(problem, path)
    headers = {REPLAYED: "true"}
    if before.media_type:
        headers["content-type"] = before.media_type
    return Response(before.body, before.status, headers=headers)
