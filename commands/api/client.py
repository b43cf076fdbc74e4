"""The CLI's side of the wire: requests, their errors as sentences, pages, the live timeline."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from commands.failures import CommandFailed, Exit, NotReachable
from domain.base import new_id
from settings import Settings

START = "start Handrail with `make up` (or `./handrail up`), or set HANDRAIL_API_URL to where it runs"
RECONNECT_SECONDS = 0.5
MOST_RECONNECTS = 60
LISTED = ("ticket", "runbook", "connection", "credential", "source")
REPLACED = {"connections": "connection", "credentials": "credential"}


class ApiError(CommandFailed):
    """The API said no. `problem` is its whole answer (RFC 9457)."""

    def __init__(self, status_code: int, problem: dict[str, Any]) -> None:
        detail = str(problem.get("detail") or problem.get("title") or f"the API answered {status_code}")
        wrong = problem.get("errors")
        if isinstance(wrong, list) and len(wrong) > 1:
            detail = "\n".join([detail, *(f"  {_one_error(entry)}" for entry in wrong)])
        super().__init__(detail, _todo(status_code, problem))
        self.status_code, self.problem = status_code, problem


def _todo(status_code: int, answer: dict[str, Any]) -> str:
    """The API's `detail` names what to do and leaves out how, which differs by client: here, by which command."""
    if status_code == 401:
        return "set HANDRAIL_TOKEN, or HANDRAIL_HOME to the directory of the server you mean"
    missing = answer.get("missing")
    if status_code == 404 and missing in LISTED:
        return f"./handrail {missing} list"
    if status_code == 422 and missing == "credential":
        return "./handrail credential add"
    of_what = str(answer.get("instance")).removeprefix("/api/v1/").split("/")
    if status_code == 409 and len(of_what) == 2 and of_what[0] in REPLACED:
        return f"./handrail {REPLACED[of_what[0]]} add --replace ..."
    return ""


def part(name: str) -> str:
    """Return a name as one part of a path. Raises CommandFailed for what is none."""
    if not name or "/" in name or name in (".", ".."):
        raise CommandFailed(f"{name!r} is no name", "give it as the list shows it", Exit.USAGE)
    return quote(name, safe="")


def _one_error(entry: Any) -> str:
    """One of a problem's `errors`: a field of a request, or a line of a runbook."""
    if not isinstance(entry, dict):
        return str(entry)
    line = f"line {entry['line']}: " if entry.get("line") else ""
    field = f"{entry['field']}: " if entry.get("field") else ""
    mend = f"; mend: {entry['mend']}" if entry.get("mend") else ""
    return f"{line}{field}{entry.get('message', '')}{mend}"


class Api:
    """The public API, for one tenant. Use as `async with Api.from_settings(settings, tenant) as api`."""

    def __init__(self, url: str, token: str, tenant: str) -> None:
        self.url, self.tenant = url, tenant
        self._http = httpx.AsyncClient(
            base_url=f"{url}/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "handrail-cli"},
            timeout=httpx.Timeout(30, connect=5),
            trust_env=not url.startswith(("http://127.", "http://localhost", "http://[::1]")),
        )

    @classmethod
    def from_settings(cls, settings: Settings, tenant: str) -> Self:
        """Raises CommandFailed when there is no token to call with."""
        return cls(settings.resolved_api_url(), read_token(settings), tenant)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """GET a path under /api/v1, `{tenant}` filled in."""
        return await self.request("GET", path, params=params)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.request("POST", path, json=body)

    async def put(self, path: str, body: Any) -> Any:
        return await self.request("PUT", path, json=body)

    async def delete(self, path: str) -> None:
        await self.request("DELETE", path)

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer's JSON (None for an empty one). Raises ApiError or NotReachable."""
        return _content(await self.send(method, path, **options))

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As `request`, but return the whole answer, whatever its status."""
        headers = dict(options.pop("headers", {}))
        if method != "GET":
            headers.setdefault("Idempotency-Key", new_id())
        if "params" in options:
            options["params"] = {name: value for name, value in options["params"].items() if value not in (None, [])}
        try:
            return await self._http.request(method, self.path(path), headers=headers, **options)
        except httpx.TransportError as error:
            raise NotReachable(f"Handrail does not answer on {self.url} ({_cause(error)})", START) from None

    def path(self, path: str) -> str:
        return "api/v1" + path.replace("{tenant}", part(self.tenant))

    async def pages(self, path: str, most: int, **params: Any) -> AsyncIterator[Any]:
        """Yield the items of a list, page after page, `most` at most."""
        cursor: str | None = None
        while most > 0:
            page = await self.get(path, cursor=cursor, limit=min(most, 100), **params)
            for item in page["items"]:
                yield item
                most -= 1
            cursor = page.get("next_cursor")
            if not cursor:
                return

    async def timeline(self, ticket_id: str, after: int = 0) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """Yield ("event", an event of the ticket) and ("status", its status) for ever, as they come.

        A lost connection is taken up where it broke. Raises ApiError, or NotReachable after half a minute without one.
        """
        failures = 0
        while True:
            try:
                async for name, message in self._stream(ticket_id, after):
                    failures = 0
                    after = message["id"] if name == "event" else after
                    yield name, message
            except httpx.TransportError as error:
                failures += 1
                if failures > MOST_RECONNECTS:
                    raise NotReachable(f"the timeline broke off ({_cause(error)})", START) from None
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _stream(self, ticket_id: str, after: int) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        path = self.path(f"/tickets/{{tenant}}/tickets/{ticket_id}/timeline")
        timeout = httpx.Timeout(60, connect=5)
        async with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.status_code >= 500:
                raise httpx.RemoteProtocolError(f"the API answered {response.status_code}")
            if response.is_error:
                await response.aread()
                _content(response)
            name, data = "event", list[str]()
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif not line:
                    if data:
                        yield name, json.loads("\n".join(data))
                    name, data = "event", []

    async def is_ready(self) -> str | None:
        """Return why the API is not ready yet, or None."""
        try:
            answer = await self._http.get("readyz", timeout=5)
        except httpx.TransportError as error:
            return _cause(error)
        return None if answer.is_success else answer.text[:300]


def read_token(settings: Settings) -> str:
    """Return the token to call the API with; only a server makes one. Raises CommandFailed."""
    if settings.token:
        return settings.token
    path = settings.home / "token"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NotReachable(f"there is no API token: {path} does not exist", f"{START} and HANDRAIL_TOKEN") from None
    except OSError as error:
        raise CommandFailed(f"the API token cannot be read: {error}", "set HANDRAIL_TOKEN") from None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _content(answer: httpx.Response) -> Any:
    try:
        content = answer.json() if answer.content else None
    except ValueError:
        content = None
    if answer.is_success:
        return content
    problem = content if isinstance(content, dict) else {"detail": answer.text[:500]}
    error = ApiError(answer.status_code, problem)
    if answer.status_code == 401:
        error.message = "the API does not know this token"
    if answer.status_code in (502, 503, 504):
        raise NotReachable(error.message, "wait a moment and try again; `./handrail up` starts what is missing")
    raise error
