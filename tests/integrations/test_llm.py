"""The endpoint answers well, slowly, wrongly, too much, with errors, and not at all."""

import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.analysis.second_opinion import TicketOpinion
from domain.matching.match import RunbookDocument
from domain.tickets.ticket import Classification, NewTicket
from integrations.llm import ANSWER_TOKENS, BYTES_PER_TOKEN, LanguageModel, LlmFailed
from integrations.llm_questions import ask_about_runbooks, ask_about_ticket
from tests.llm_server import KEY, Asked, LlmServer, Reply, on_runbooks, on_ticket

TICKET = NewTicket(title="/var is full on web-01", metadata={"internal_note": "not for strangers"})
GOOD = on_ticket(ci_names=["web-01"])


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer().serving() as server:
        yield server


async def failure(model: LanguageModel) -> str:
    with pytest.raises(LlmFailed) as raised:
        await ask_about_ticket(model, TICKET)
    assert KEY not in repr(raised.value)
    assert raised.value.__cause__ is None
    return str(raised.value)


async def test_a_good_answer(server: LlmServer) -> None:
    server.says(GOOD)
    opinion = await ask_about_ticket(server.model(), TICKET)
    assert opinion.classification is Classification.TRUE_POSITIVE
    assert opinion.ci_names == ["web-01"]
    (asked,) = server.asked
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "tiny"
    assert asked.body["max_tokens"] == ANSWER_TOKENS
    assert asked.body["response_format"]["json_schema"]["schema"] == TicketOpinion.model_json_schema()


async def test_a_good_answer_in_a_fence(server: LlmServer) -> None:
    server.says(f"```json\n{json.dumps(GOOD)}\n```")
    assert (await ask_about_ticket(server.model(), TICKET)).confidence == 0.9


async def test_what_leaves_the_house(server: LlmServer) -> None:
    server.says(on_runbooks(disk=0.5))
    runbook = RunbookDocument(id="disk", title="Free space", body="rm -rf /srv/secret-place", target="billing-hosts")
    await ask_about_runbooks(server.model(), TICKET, [runbook])
    sent = json.dumps(server.asked[0].body)
    assert "/var is full on web-01" in sent
    assert "Free space" in sent
    for kept in ("not for strangers", "internal_note", "rm -rf", "billing-hosts", KEY):
        assert kept not in sent


@pytest.mark.parametrize("tokens", [4_000, 6_000])
async def test_what_is_sent_keeps_the_budget(server: LlmServer, tokens: int) -> None:
    server.says(on_runbooks(disk=0.5))
    ticket = NewTicket(title="ü" * 500, description='€\n"' * 30_000, labels={f"l{n}": "v" * 5_000 for n in range(100)})
    runbooks = [RunbookDocument(id=f"disk{n}", title="t" * 300, symptoms=["s" * 300] * 50) for n in range(5)]
    await ask_about_runbooks(server.model(tokens=tokens), ticket, runbooks)
    messages = server.asked[0].body["messages"]
    assert sum(len(one["content"].encode()) for one in messages) <= (tokens - ANSWER_TOKENS) * BYTES_PER_TOKEN
    assert [one["id"] for one in server.asked[0].material["runbooks"]] == [f"disk{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("I am sorry, Dave", "no JSON"),
        ("", "no JSON"),
        ('{"classification": "true_positive", "confidence": 0.9', "no JSON"),
        (GOOD | {"confidence": 1.01}, "schema (confidence)"),
        (GOOD | {"confidence": -0.1}, "schema (confidence)"),
        (GOOD | {"confidence": "0.9"}, "schema (confidence)"),
        (GOOD | {"confidence": True}, "schema (confidence)"),
        ('{"classification":"true_positive","confidence":NaN,"why":"","ci_names":[]}', "schema (confidence)"),
        (GOOD | {"classification": "run_it"}, "schema (classification)"),
        (GOOD | {"run": "rm -rf /"}, "does not fit the schema"),
        (GOOD | {"ci_names": ["a"] * 11}, "schema (ci_names)"),
        ({"confidence": 0.9}, "schema"),
        ([GOOD], "schema"),
        ("[" * 20_000, "no JSON"),
    ],
)
async def test_a_wrong_answer_is_none(server: LlmServer, content: Any, told: str) -> None:
    server.says(content)
    said = await failure(server.model())
    assert told in said
    assert "rm -rf" not in said
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{"message":{}}]}', b"\xff\xfe", b"[" * 60_000],
)
async def test_what_is_no_chat_completion(server: LlmServer, body: bytes) -> None:
    server.says(body=body)
    assert "chat completion" in await failure(server.model())


@pytest.mark.parametrize("content", [None, ["a"], 7])
async def test_an_answer_without_text(server: LlmServer, content: Any) -> None:
    server.says(body=json.dumps({"choices": [{"message": {"content": content}}]}).encode())
    assert "no text" in await failure(server.model())


async def test_an_answer_that_was_cut_off(server: LlmServer) -> None:
    server.says(GOOD, finish="length")
    assert "cut off" in await failure(server.model())


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 500, 503])
async def test_an_error_is_not_tried_again(server: LlmServer, status: int) -> None:
    server.says(status=status, body=f"key {KEY} is wrong".encode(), headers={"Location": "http://127.0.0.1:1/"})
    assert f"status {status}" in await failure(server.model())
    assert len(server.asked) == 1


async def test_an_answer_that_is_too_large(server: LlmServer) -> None:
    server.says(GOOD | {"why": "x" * 10_000_000})
    assert "64 KiB" in await failure(server.model())


@pytest.mark.parametrize("reply", [Reply(GOOD, delay=60), Reply(GOOD, byte_every=0.05)], ids=["silent", "dripping"])
async def test_an_answer_that_comes_too_late(server: LlmServer, reply: Reply) -> None:
    server.answer = lambda _: reply
    started = time.monotonic()
    assert "within 0.5 s" in await failure(server.model(timeout=0.5))
    assert time.monotonic() - started < 3


async def test_nobody_listens() -> None:
    async with LlmServer().serving() as server:
        model = server.model()
    assert "cannot be reached" in await failure(model)
    with pytest.raises(LlmFailed, match="cannot be reached"):
        await model.check()


async def test_one_that_is_down_is_left_alone_for_a_while(server: LlmServer) -> None:
    server.says(status=500)
    model = server.model()
    for _ in range(3):
        assert "status 500" in await failure(model)
    server.says(GOOD)
    assert "left alone" in await failure(model)
    assert len(server.asked) == 3


async def test_nonsense_is_no_reason_to_leave_it_alone(server: LlmServer) -> None:
    """Or one hostile ticket could silence it for the others."""
    server.says("nonsense")
    model = server.model()
    for _ in range(5):
        assert "no JSON" in await failure(model)
    server.says(GOOD)
    await ask_about_ticket(model, TICKET)


@pytest.mark.parametrize("refused", ["response_format", "max_tokens"])
async def test_dialects(server: LlmServer, refused: str) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(status=400, body=b"unsupported parameter") if refused in asked.body else Reply(GOOD)

    server.answer = answer
    model = server.model()
    await ask_about_ticket(model, TICKET)
    tries = len(server.asked)
    await ask_about_ticket(model, TICKET)
    assert tries > 1
    assert len(server.asked) == tries + 1


async def test_one_that_takes_nothing(server: LlmServer) -> None:
    server.says(status=400)
    assert "status 400" in await failure(server.model())
    assert len(server.asked) == 3


async def test_the_key_stays_out_of_sight(server: LlmServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.says(GOOD)
    await ask_about_ticket(server.model(), TICKET)
    server.says(status=401)
    await failure(server.model())
    ours = [record for record in caplog.records if not record.name.startswith(("httpcore", "asyncio"))]
    assert ours
    assert KEY not in " ".join(str(record.__dict__) for record in ours)
    assert KEY not in repr(server.options())
    assert KEY not in server.options().model_dump_json()


async def test_the_key_can_be_in_a_file_that_changes(server: LlmServer, tmp_path: Path) -> None:
    server.says(GOOD)
    path = tmp_path / "key"
    model = server.model(key=SecretStr(f"file:{path}"))
    assert "file of its key" in await failure(model)
    for key in ("first", "second"):
        path.write_text(f"{key}\n")
        await ask_about_ticket(model, TICKET)
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]


async def test_a_key_that_is_none(server: LlmServer) -> None:
    assert "no key has" in await failure(server.model(key=SecretStr("a\nb: c")))
    server.says(GOOD)
    await ask_about_ticket(server.model(key=None), TICKET)
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(("status", "is_ok"), [(200, True), (404, True), (401, False), (500, False)])
async def test_check(server: LlmServer, status: int, is_ok: bool) -> None:
    server.says(status=status)
    if is_ok:
        await server.model().check()
    else:
        with pytest.raises(LlmFailed, match=f"status {status}"):
            await server.model().check()
    assert server.asked[0].line == "GET /v1/models HTTP/1.1"
