"""Sources that sign: their signature lets in, what is refused is told, and their secrets are kept sealed."""

import json
from datetime import timedelta
from typing import Any

import httpx
from cryptography.fernet import Fernet
from sqlalchemy import text

from db.cipher import Cipher
from db.engine import Database
from db.sealed import keys_of_rows, reseal
from domain.base import utc_now
from domain.sources.registry import SENDERS
from domain.sources.signing import WINDOW, HmacForm
from tests.api.caller import Caller
from tests.api.test_sources import SOURCES, deliveries
from tests.domain.sources.test_signing import sign
from tests.temporal_server import CIPHER

THEIRS = "made-by-pagerduty-0123456789"


async def add(caller: Caller, kind: str, **more: Any) -> dict[str, Any]:
    answer = await caller.post(SOURCES, {"name": kind, "kind": kind, **more})
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


async def send(caller: Caller, kind: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    path = f"/api/v1{SOURCES}/{kind}"
    return await caller.client.post(
        path, content=body or SENDERS[kind].sample, headers={"Authorization": "", **headers}
    )


async def test_a_signature_lets_in_and_a_shown_secret_does_not(lone_caller: Caller) -> None:
    body, now = SENDERS["grafana"].sample, utc_now()
    added = await add(lone_caller, "grafana", signed=True)
    secret, form = added["secret"], HmacForm(**added["signing"])

    async def told(headers: dict[str, str]) -> tuple[int, str]:
        answer = await send(lone_caller, "grafana", headers)
        return answer.status_code, (await deliveries(lone_caller, "grafana"))[0]["why"]

    assert await told({"Authorization": f"Bearer {secret}"}) == (401, f"it has no signature in {form.header}")
    status, why = await told(sign(form, "wrong-secret-0123456789", body, now))
    assert (status, "fits no secret" in why) == (401, True)
    assert await told(sign(form, secret, body, now)) == (202, "")
    for away, word in ((-2 * WINDOW, "seconds old"), (2 * WINDOW, "in the future")):
        status, why = await told(sign(form, secret, body, now + away))
        assert (status, word in why) == (401, True)
    outcomes = [one["outcome"] for one in await deliveries(lone_caller, "grafana")]
    assert outcomes == ["refused", "refused", "taken", "stranger", "stranger"]


async def test_a_secret_that_the_sender_made_is_changed_without_losing_anything(
    lone_caller: Caller, database: Database
) -> None:
    added = await add(lone_caller, "pagerduty", secret=THEIRS)
    assert added["secret"] is None
    form, body = HmacForm(**added["signing"]), SENDERS["pagerduty"].sample

    async def let_in(*secrets: str) -> list[int]:
        return [(await send(lone_caller, "pagerduty", sign(form, one, body))).status_code for one in secrets]

    assert await let_in(THEIRS) == [202]
    new = {"step": "begin", "secret": "another-of-pagerduty-0123"}
    assert (await lone_caller.post(f"{SOURCES}/pagerduty/rotate", new)).json()["is_rotating"]
    assert await let_in(THEIRS, new["secret"]) == [202, 202]
    assert [one["by_former_secret"] for one in await deliveries(lone_caller, "pagerduty")] == [False, True, False]
    async with database.read() as session:
        rows = str((await session.execute(text("SELECT * FROM sources"))).all())
        assert THEIRS not in rows
        assert await keys_of_rows(session, CIPHER) == {CIPHER.key_ids[0]: ["secret of source pagerduty of demo"] * 2}
    await lone_caller.post(f"{SOURCES}/pagerduty/rotate", {"step": "finish"})
    assert await let_in(THEIRS, new["secret"]) == [401, 202]


async def test_sealed_secrets_follow_the_key_ring(lone_caller: Caller, database: Database) -> None:
    await add(lone_caller, "pagerduty", secret=THEIRS)
    newer = Cipher([Fernet.generate_key().decode(), *CIPHER._keys])
    async with database.write() as session:
        assert await reseal(session, newer) == 1
        assert list(await keys_of_rows(session, newer)) == [newer.key_ids[0]]
    form, body = HmacForm(**SENDERS["pagerduty"].signing.model_dump()), SENDERS["pagerduty"].sample  # type: ignore[union-attr]
    answer = await send(lone_caller, "pagerduty", sign(form, THEIRS, body))
    assert answer.status_code == 503, (
        "with its key away nobody can say whether it is right: the sender is to send again"
    )


async def test_generic_signs_as_it_is_told(lone_caller: Caller) -> None:
    form = HmacForm(header="X-Zendesk-Webhook-Signature", encoding="base64", timestamp_header="X-T", separator="")
    added = await add(lone_caller, "generic", signing=form.model_dump())
    body = json.dumps({"id": 1, "title": "Replication stopped"}).encode()
    right = sign(form, added["secret"], body, utc_now() - timedelta(seconds=30))
    assert (await send(lone_caller, "generic", right, body)).status_code == 202
    assert (await send(lone_caller, "generic", right, body + b" ")).status_code == 401
    mapping = {"title": "subject"}
    assert (await lone_caller.ask("PUT", f"{SOURCES}/generic/mapping", mapping)).json()["signing"] is not None
    for wrong, field in (
        ({"kind": "alertmanager", "signed": True}, "signed"),
        ({"kind": "grafana", "signing": form.model_dump()}, "signing"),
        ({"kind": "zabbix", "secret": THEIRS}, "secret"),
        ({"kind": "pagerduty", "secret": "short"}, "secret"),
    ):
        answer = await lone_caller.post(SOURCES, {"name": "x", **wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
