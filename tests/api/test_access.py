"""Who gets in: nobody without a token, except where it is listed."""

from dataclasses import replace
from datetime import timedelta

import httpx
import jwt
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from api.auth import OPEN, SESSION_COOKIE, new_session
from api.context import ApiContext
from api.failures import MOST, MOST_CLIENTS, MOST_OF_A_CLIENT, WINDOW_SECONDS, Failures
from api.main import create_app
from api.problems import Problem
from api.web import HEADERS
from domain.base import utc_now
from settings import Settings
from tests.api.caller import SAM, Caller


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path, those that the documentation leaves out included."""
    documented = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    return sorted({*documented, ("GET", "/docs"), ("GET", "/openapi.json")})


async def test_every_route_is_closed_unless_it_is_listed(stranger: httpx.AsyncClient, lone_context: ApiContext) -> None:
    seen = operations(create_app(lone_context))
    assert len(seen) > 30
    for method, path in seen:
        answer = await stranger.request(method, path.replace("{", "").replace("}", ""))
        assert (answer.status_code == 401) is (path not in OPEN), f"{method} {path}: {answer.status_code}"


@pytest.mark.parametrize("path", ["/api/v1", "/nothing", "/metrics", "/healthz/", "/docs/x", "//healthz", "/staticx"])
async def test_what_is_not_there_is_closed_too(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(f"http://handrail{path}")
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert "HANDRAIL_HOME/token" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {SAM}", f"Bearer {SAM}x", f"Bearer {SAM[:-1]}"]
)
async def test_wrong_tokens(stranger: httpx.AsyncClient, header: str) -> None:
    answer = await stranger.get("/api/v1/tickets/demo/tickets", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_the_right_token(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/api/v1/tickets/demo/tickets", headers={"Authorization": f"bearer {SAM}"})
    assert answer.status_code == 200


async def test_a_session_cookie_reads_and_writes_from_our_own_pages_only(
    stranger: httpx.AsyncClient, lone_context: ApiContext
) -> None:
    stranger.cookies.set(SESSION_COOKIE, new_session("sam", lone_context))
    path = "/api/v1/settings/execution-mode/demo"
    assert (await stranger.get(path)).status_code == 200
    body = {"mode": "hil"}
    for headers, status in [
        ({}, 401),
        ({"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Sec-Fetch-Site": "same-site"}, 401),
        ({"Origin": "http://evil.example"}, 401),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://handrail"}, 200),
    ]:
        answer = await stranger.post(path, json=body, headers=headers)
        assert answer.status_code == status, headers


async def test_a_forged_or_withdrawn_session_is_nobody(stranger: httpx.AsyncClient, lone_context: ApiContext) -> None:
    for cookie in ["", "x.y.z", new_session("nobody", lone_context), new_session("sam", lone_context)[:-3]]:
        stranger.cookies.set(SESSION_COOKIE, cookie)
        assert (await stranger.get("/api/v1/tickets/demo/tickets")).status_code == 401


async def test_docs_need_nothing_from_elsewhere(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/docs")
    assert page.status_code == 200
    for piece in ("/api/v1/tickets/{tenant}/tickets/{ticket_id}/decision", "Approve or reject a plan", "curl -X POST"):
        assert piece in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text


async def test_every_operation_is_described(lone_context: ApiContext) -> None:
    for path, methods in create_app(lone_context).openapi()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("description"), f"{method} {path}"
            for status, answer in operation["responses"].items():
                assert int(status) == 204 or answer.get("content"), f"{method} {path} {status}"


async def test_health(lone_caller: Caller, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "database": "ok", "temporal": "unreachable"},
    )


async def test_metrics_count_by_route(lone_caller: Caller) -> None:
    await lone_caller.get("/tickets/demo/tickets")
    await lone_caller.get("/tickets/demo/tickets/nope")
    await lone_caller.get("/made/up")
    text = (await lone_caller.client.get("/metrics")).text
    listed = 'handrail_http_requests_total{method="GET",route="/api/v1/tickets/{tenant}/tickets",status="200"} 1.0'
    assert listed in text
    assert 'route="/api/v1/tickets/{tenant}/tickets/{ticket_id}",status="404"} 1.0' in text
    assert "made" not in text


HOSTS = frozenset({"localhost", "handrail.example.com", "::1"})


async def test_only_names_of_ours_are_answered(lone_context: ApiContext) -> None:
    app = create_app(replace(lone_context, hosts=HOSTS))
    known = {"localhost": 200, "LOCALHOST:8080": 200, "handrail.example.com.": 200, "[::1]:8080": 200}
    strange = ("evil.example", "localhost.evil.example", "evil.example:8080", "10.0.0.1", "", "[::1", "x@localhost:a")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://handrail") as client:
        for host, status in known.items() | dict.fromkeys(strange, 421).items():
            answer = await client.get("/login", headers={"Host": host})
            assert answer.status_code == status, host
            for probe in ("/healthz", "/readyz"):
                assert (await client.get(probe, headers={"Host": host})).status_code == 200
            assert (await client.get("/metrics", headers={"Host": host})).status_code == 401


async def test_every_answer_has_the_headers(lone_context: ApiContext) -> None:
    app = create_app(replace(lone_context, hosts=HOSTS))

    @app.get("/healthz/broken")
    async def broken() -> None:
        raise RuntimeError("an error of ours")

    asked = {
        "/healthz": 200,
        "/docs": 200,
        "/openapi.json": 200,
        "/static/handrail.css": 200,
        "/static/x": 404,
    }
    asked |= {"/api/v1/tickets/demo/tickets": 200, "/nothing": 404, "/healthz/broken": 500, "/t/demo/tickets": 200}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        answers = {401: await client.get("/metrics"), 421: await client.get("/login", headers={"Host": "x"})}
        client.headers["Authorization"] = f"Bearer {SAM}"
        found = [(await client.get(path), path, status) for path, status in asked.items()]
    for answer, path, status in [*found, *((answer, "", status) for status, answer in answers.items())]:
        assert answer.status_code == status, path
        assert {*HEADERS, "Strict-Transport-Security"} - {name.title() for name in answer.headers} == set(), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_hosts_of_the_settings() -> None:
    local = {"localhost", "127.0.0.1", "::1"}
    assert Settings(host="0.0.0.0", hosts=None, api_url=None).resolved_hosts() == local
    named = Settings(hosts="A.example.com, [::2],", api_url="https://b.example.com:8443/")
    assert named.resolved_hosts() == local | {"a.example.com", "::2", "b.example.com"}


async def test_a_copied_cookie_is_refused_after_the_logout(
    stranger: httpx.AsyncClient, lone_context: ApiContext
) -> None:
    path, ours = "/api/v1/tickets/demo/tickets", {"Sec-Fetch-Site": "same-origin"}
    other = new_session("sam", lone_context)
    for cookie in (new_session("sam", lone_context), older_session("sam", lone_context)):
        stranger.cookies.set(SESSION_COOKIE, cookie)
        assert (await stranger.get(path)).status_code == 200
        assert (await stranger.post("/logout", headers=ours)).status_code == 303
        stranger.cookies.clear()
        stranger.cookies.set(SESSION_COOKIE, cookie)
        assert (await stranger.get(path)).status_code == 401
        assert (await stranger.get("/login")).status_code == 200
        stranger.cookies.clear()
    stranger.cookies.set(SESSION_COOKIE, other)
    assert (await stranger.get(path)).status_code == 200


def older_session(actor: str, context: ApiContext) -> str:
    """Return a cookie as releases before ids of sessions made it."""
    claims = {"sub": actor, "exp": utc_now() + timedelta(hours=1)}
    return jwt.encode(claims, context.cipher.derived_keys("web session")[0], algorithm="HS256")


async def test_wrong_tokens_are_counted_logged_and_refused_and_a_right_one_is_taken(
    stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/api/v1/tickets/demo/tickets"
    for number in range(MOST_OF_A_CLIENT + 5):
        kind = await stranger.get(path, headers={"Authorization": f"Bearer wrong-{number}"})
        assert kind.status_code == (401 if number < MOST_OF_A_CLIENT else 429)
    assert kind.headers["retry-after"] == "60"
    ours = {"Sec-Fetch-Site": "same-origin"}
    assert (await stranger.post("/login", data={"token": "wrong"}, headers=ours)).status_code == 429
    assert (await stranger.get(path)).status_code == 401  # whoever gives no token has not guessed
    assert (await stranger.get(path, headers={"Authorization": f"Bearer {SAM}"})).status_code == 200
    assert sum("wrong token" in record.getMessage() for record in caplog.records) == MOST_OF_A_CLIENT + 1
    assert "wrong-1" not in caplog.text


def test_failures_are_bounded_in_memory_and_forgotten() -> None:
    now = 0.0
    failures = Failures(lambda: now)

    def guess(address: int) -> int:
        try:
            failures.note(Request({"type": "http", "client": (str(address), 1), "headers": []}))
        except Problem as problem:
            return problem.status
        return 401

    assert {guess(address) for address in range(MOST)} == {401}
    assert {guess(address) for address in range(2 * MOST_CLIENTS)} == {429}
    assert len(failures._seen) <= MOST_CLIENTS + 1
    now = WINDOW_SECONDS
    assert guess(1) == 401
    assert len(failures._seen) == 1
