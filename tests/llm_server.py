"""A real HTTP server that speaks OpenAI's chat completions as well, or as badly, as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from integrations.llm import LanguageModel
from integrations.llm_options import LlmOptions

KEY = "sk-never-to-be-seen-4711"


@dataclass
class Reply:
    """One answer. `body` instead of `content` replaces the whole chat completion."""

    content: Any = None
    status: int = 200
    body: bytes | None = None
    finish: str = "stop"
    delay: float = 0
    byte_every: float = 0
    headers: dict[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        if self.body is not None:
            return self.body
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish}
        return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()


@dataclass
class Asked:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: dict[str, Any]
    size: int

    @property
    def material(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body["messages"][1]["content"])
        return found


Answering = Callable[[Asked], Reply]


class LlmServer:
    """Answers each request by calling `answer`; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Answering = lambda _: Reply(status=500)
        self.port = 0

    def says(self, content: Any = None, **more: Any) -> None:
        """Answer everything with the same reply."""
        self.answer = lambda _: Reply(content, **more)

    def model(self, **more: Any) -> LanguageModel:
        """Return a language model that asks this server."""
        return LanguageModel(self.options(**more))

    def options(self, **more: Any) -> LlmOptions:
        given = {"url": f"http://127.0.0.1:{self.port}/v1", "model": "tiny", "timeout": 20, "tokens": 6_000}
        return LlmOptions.model_validate(given | {"key": SecretStr(KEY)} | more)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["LlmServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(line, headers, json.loads(raw) if raw else {}, len(raw))
        self.asked.append(asked)
        reply = self.answer(asked)
        await asyncio.sleep(reply.delay)
        body = reply.bytes()
        fields = {"Content-Length": str(len(body)), "Connection": "close"} | reply.headers
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode())
        for part in (body[at : at + 1] for at in range(len(body))) if reply.byte_every else (body,):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(reply.byte_every)


def on_ticket(classification: str = "true_positive", confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    """Return an opinion of a ticket."""
    return {"classification": classification, "confidence": confidence, "why": "so it seems", "ci_names": []} | more


def on_runbooks(**confidence: float) -> dict[str, Any]:
    """Return an opinion of runbooks; an underscore stands for a hyphen."""
    items = confidence.items()
    return {"runbooks": [{"runbook_id": name.replace("_", "-"), "confidence": one, "why": "hm"} for name, one in items]}


def both(ticket: Any, runbooks: Any) -> Answering:
    """Answer questions about tickets and about runbooks, each with its own."""
    return lambda asked: Reply(runbooks if "runbooks" in asked.material else ticket)
