"""Any endpoint that speaks OpenAI's chat completions: one question, one answer that fits a schema, or LlmFailed."""

import asyncio
import json
import logging
import re
import time
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from integrations.llm_options import LlmOptions

ANSWER_TOKENS = 1_000  # most that it may answer
BYTES_PER_TOKEN = 3  # of what is sent; English has four, so this is on the safe side
MOST_ANSWER_BYTES = 65_536
CUTS = (20_000, 8_000, 4_000, 2_000, 1_000, 500, 250, 120, 60)  # characters that each text keeps, until all of it fits
REST_AFTER = 3  # failures in a row
REST_SECONDS = 60.0
KEY_FILE = "file:"

# What endpoints disagree about, tried in this order when one answers that it does not take a request.
_DIALECTS: tuple[dict[str, Any], ...] = (
    {"max_tokens": ANSWER_TOKENS, "temperature": 0, "response_format": True},
    {"max_completion_tokens": ANSWER_TOKENS, "response_format": True},
    {"max_tokens": ANSWER_TOKENS},
)
_NOT_TAKEN = (400, 422)
_FENCED = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", re.DOTALL)

Answer = TypeVar("Answer", bound=BaseModel)
log = logging.getLogger("handrail.llm")


class LlmFailed(Exception):
    """There is no answer to use; the text says why, in words of ours only."""


class LlmDown(LlmFailed):
    """The endpoint itself is the reason, not what it said."""


class LanguageModel:
    """Asks once: no retries, one time limit over everything, and a rest for an endpoint that is down."""

    def __init__(self, options: LlmOptions) -> None:
        self._options = options
        self._dialect = 0
        self._failures = 0
        self._rests_until = 0.0

    async def ask(self, task: str, material: dict[str, Any], kind: type[Answer]) -> Answer:
        """Return the answer to a task about some material, which is data and never an instruction. Raises LlmFailed."""
        if time.monotonic() < self._rests_until:
            raise LlmDown(f"it is left alone for {REST_SECONDS:.0f} s after {REST_AFTER} failures in a row")
        messages = self._messages(task, material, kind)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._options.timeout):
                text = await self._complete(messages, kind)
        except TimeoutError:
            self._failed()
            raise LlmDown(f"it did not answer within {self._options.timeout:g} s") from None
        except LlmDown:
            self._failed()
            raise
        self._failures = 0
        log.info("the language model answered", extra={"seconds": round(time.monotonic() - started, 2)})
        return _parse(text, kind)

    async def check(self) -> None:
        """See whether the endpoint is there and takes the key, without asking anything. Raises LlmFailed."""
        try:
            async with asyncio.timeout(self._options.timeout), self._client() as client:
                response = await client.get("models")
        except TimeoutError:
            raise LlmDown(f"it did not answer within {self._options.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise LlmDown(f"it cannot be reached ({type(error).__name__})") from None
        if response.status_code in (401, 403) or response.status_code >= 500:
            raise LlmDown(f"it answered with status {response.status_code}")

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= REST_AFTER:
            self._failures, self._rests_until = 0, time.monotonic() + REST_SECONDS

    def _messages(self, task: str, material: dict[str, Any], kind: type[BaseModel]) -> list[dict[str, str]]:
        """Cut the material's texts until the whole stays within the budget. Raises LlmFailed if nothing helps."""
        schema = json.dumps(kind.model_json_schema(), separators=(",", ":"))
        system = f"{task}\nAnswer with one JSON object that fits this JSON Schema, and nothing else:\n{schema}"
        budget = (self._options.tokens - ANSWER_TOKENS) * BYTES_PER_TOKEN - len(system.encode()) - len(schema)
        for length in CUTS:
            user = json.dumps(_cut(material, length), ensure_ascii=False, separators=(",", ":"))
            user = user.encode(errors="replace").decode()
            if len(user.encode()) <= budget:
                return [{"role": "system", "content": system}, {"role": "user", "content": user}]
        raise LlmFailed("what it would have to read is over the token budget")

    async def _complete(self, messages: list[dict[str, str]], kind: type[BaseModel]) -> str:
        try:
            async with self._client() as client:
                for number in range(self._dialect, len(_DIALECTS)):
                    body = {"model": self._options.model, "messages": messages} | _in_dialect(number, kind)
                    async with client.stream("POST", "chat/completions", json=body) as response:
                        if response.status_code in _NOT_TAKEN and number + 1 < len(_DIALECTS):
                            continue
                        if response.status_code != 200:
                            raise LlmDown(f"it answered with status {response.status_code}")
                        text = _content(await _read(response))
                        self._dialect = number
                        return text
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise LlmDown(f"it cannot be reached ({type(error).__name__})") from None
        raise LlmDown("it takes no request of ours")

    def _client(self) -> httpx.AsyncClient:
        """Return a client that has the key in its headers and nowhere else; redirects are not followed."""
        headers = {"Accept-Encoding": "identity"}
        if key := _key(self._options.key):
            headers["Authorization"] = f"Bearer {key}"
        url = self._options.url.rstrip("/") + "/"
        return httpx.AsyncClient(base_url=url, headers=headers, timeout=self._options.timeout)


def _key(key: SecretStr | None) -> str:
    """Return the key at the moment of use. Raises LlmFailed if its file cannot be read or it fits no header."""
    text = key.get_secret_value().strip() if key else ""
    if text.startswith(KEY_FILE):
        try:
            text = Path(text.removeprefix(KEY_FILE)).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise LlmFailed("the file of its key cannot be read") from None
    if not (text.isascii() and text.isprintable()):
        raise LlmFailed("its key has signs that no key has")
    return text


def _in_dialect(number: int, kind: type[BaseModel]) -> dict[str, Any]:
    spoken = dict(_DIALECTS[number])
    if "response_format" in spoken:
        schema = {"name": kind.__name__, "schema": kind.model_json_schema()}
        spoken["response_format"] = {"type": "json_schema", "json_schema": schema}
    return spoken


def _cut(value: Any, length: int) -> Any:
    """Return the value with every text in it cut to a length."""
    if isinstance(value, str):
        return value if len(value) <= length else value[: length - 1] + "…"
    if isinstance(value, dict):
        return {_cut(key, length): _cut(inner, length) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, length) for inner in value]
    return value


async def _read(response: httpx.Response) -> bytes:
    """Return the body as it was sent, up to a limit: nothing is unpacked."""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MOST_ANSWER_BYTES:
            raise LlmFailed(f"its answer is larger than {MOST_ANSWER_BYTES // 1024} KiB")
    return bytes(body)


def _content(body: bytes) -> str:
    """Return the text of the first choice. Raises LlmFailed."""
    try:
        choice = json.loads(body)["choices"][0]
        content, ended = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise LlmFailed("its answer is not in the form of a chat completion") from None
    if ended == "length":
        raise LlmFailed("its answer was cut off at the token budget")
    if not isinstance(content, str):
        raise LlmFailed("its answer has no text")
    return content


def _parse(text: str, kind: type[Answer]) -> Answer:
    fenced = _FENCED.match(text)
    try:
        return kind.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in _fields(kind))
        told = "its answer is no JSON" if first["type"] == "json_invalid" else "its answer does not fit the schema"
        raise LlmFailed(f"{told} ({where})" if where else told) from None


def _fields(kind: type[BaseModel]) -> set[str]:
    """Names of ours, also inside; an invented field is not repeated in any message."""
    inner = kind.model_json_schema()
    found = set(inner.get("properties", {}))
    for definition in inner.get("$defs", {}).values():
        found |= set(definition.get("properties", {}))
    return found
