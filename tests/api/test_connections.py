"""Connections and credentials over the wire."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import text

from db.connections import open_credential
from tests.api.caller import TENANT, Caller
from tests.api.test_problems import assert_problem
from tests.needs import need_program

CONNECTIONS, CREDENTIALS = f"/connections/{TENANT}", f"/credentials/{TENANT}"
HOST_KEY = (
    Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
)
WEB: dict[str, Any] = {
    "name": "web-01",
    "connector": "ssh",
    "host": "10.0.3.17",
    "port": 2222,
    "username": "handrail",
    "credential": "ops",
    "host_key": HOST_KEY,
    "aliases": ["web-01.example.com"],
    "tags": ["web"],
}


def private_key(format: PrivateFormat = PrivateFormat.OpenSSH, passphrase: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, format, encryption).decode()


async def add_credential(caller: Caller) -> None:
    answer = await caller.post(CREDENTIALS, {"name": "ops", "kind": "password", "password": "s3cret-word"})
    assert answer.status_code == 201, answer.text


async def test_a_connection_comes_and_goes(lone_caller: Caller) -> None:
    await add_credential(lone_caller)
    added = await lone_caller.post(CONNECTIONS, WEB)
    assert (added.status_code, added.json()) == (201, WEB)
    assert (await lone_caller.get(f"{CONNECTIONS}/web-01")).json() == WEB
    assert (await lone_caller.get(CONNECTIONS)).json() == {"items": [WEB], "next_cursor": None}
    assert_problem(await lone_caller.post(CONNECTIONS, WEB), 409, "change it")
    changed = await lone_caller.ask("PUT", f"{CONNECTIONS}/web-01", {**WEB, "port": 22})
    assert (changed.status_code, changed.json()["port"]) == (200, 22)
    assert (await lone_caller.ask("PUT", f"{CONNECTIONS}/web-02", {**WEB, "name": "web-02"})).status_code == 201
    assert (await lone_caller.ask("DELETE", f"{CONNECTIONS}/web-01")).status_code == 204
    assert [one["name"] for one in (await lone_caller.get(CONNECTIONS)).json()["items"]] == ["web-02"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"credential": "nope"}, "credential", "add it first"),
        ({"name": "web 01"}, "name", "pattern"),
        ({"port": 70000}, "port", "65535"),
        ({"host": "a b"}, "host", "pattern"),
        ({"username": None}, "body", "an ssh connection needs username"),
        ({"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"}, "host_key", "ssh-keyscan"),
        ({"host_key": f"10.0.3.17 {HOST_KEY}"}, "host_key", "without the host"),
        ({"connector": "telnet"}, "connector", "'ssh' or 'local'"),
    ],
)
async def test_bad_connections(lone_caller: Caller, change: dict[str, Any], field: str, words: str) -> None:
    await add_credential(lone_caller)
    problem = assert_problem(await lone_caller.post(CONNECTIONS, {**WEB, **change}), 422, words)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert (await lone_caller.get(CONNECTIONS)).json()["items"] == []


async def test_another_name_than_the_address(lone_caller: Caller) -> None:
    await add_credential(lone_caller)
    assert_problem(await lone_caller.ask("PUT", f"{CONNECTIONS}/other", WEB), 422, "make them the same")
    body = {"name": "x", "kind": "password", "password": "p"}
    assert_problem(await lone_caller.ask("PUT", f"{CREDENTIALS}/other", body), 422, "make them the same")


@pytest.mark.parametrize("format", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
async def test_a_credential_never_comes_out_again(lone_caller: Caller, format: PrivateFormat) -> None:
    key = private_key(format)
    secret = key.splitlines()[2]
    new = {"name": "ops", "kind": "ssh_key", "username": "root", "private_key": key}
    answers = [
        await lone_caller.post(CREDENTIALS, new, headers={"Idempotency-Key": "k"}),
        await lone_caller.post(CREDENTIALS, new),
        await lone_caller.ask("PUT", f"{CREDENTIALS}/ops", new),
        await lone_caller.get(CREDENTIALS),
        await lone_caller.get(f"{CREDENTIALS}/ops"),
    ]
    assert [answer.status_code for answer in answers] == [201, 409, 200, 200, 200]
    assert answers[0].json() == {"name": "ops", "kind": "ssh_key", "username": "root"}
    assert answers[3].json()["items"] == [answers[0].json()]
    assert all(secret not in answer.text for answer in answers)

    context = lone_caller.context
    async with context.database.read() as session:
        kept = await open_credential(session, TENANT, "ops", context.cipher)
        tables = [name for (name,) in await session.execute(text("SELECT name FROM sqlite_master WHERE type='table'"))]
        for table in tables:
            rows = list(await session.execute(text(f"SELECT * FROM {table}")))
            assert secret not in repr(rows), table
    assert kept is not None
    assert kept.private_key == key


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"kind": "ssh_key", "private_key": "hunter2"}, "private_key", "is not a private key"),
        ({"kind": "ssh_key", "private_key": private_key()[:200]}, "private_key", "is not a private key"),
        (
            {"kind": "ssh_key", "private_key": private_key(PrivateFormat.PKCS8, b"hunter2")},
            "private_key",
            "passphrase",
        ),
        ({"kind": "ssh_key", "password": "hunter2"}, "body", "needs private_key"),
        ({"kind": "password"}, "body", "needs password"),
        ({"kind": "token", "password": "hunter2"}, "kind", "'ssh_key' or 'password'"),
    ],
)
async def test_bad_credentials(lone_caller: Caller, body: dict[str, str], field: str, words: str) -> None:
    answer = await lone_caller.post(CREDENTIALS, {"name": "ops", **body})
    problem = assert_problem(answer, 422, words)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert "hunter2" not in answer.text
    assert (await lone_caller.get(CREDENTIALS)).json()["items"] == []


@pytest.fixture
def protected_key(tmp_path: Path) -> str:
    path = tmp_path / "key"
    keygen = need_program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "hunter2", "-f", path], check=True)
    return path.read_text()


async def test_an_openssh_key_with_a_passphrase(lone_caller: Caller, protected_key: str) -> None:
    answer = await lone_caller.post(CREDENTIALS, {"name": "ops", "kind": "ssh_key", "private_key": protected_key})
    assert_problem(answer, 422, "passphrase")


async def test_an_rsa_key_in_its_old_format(lone_caller: Caller) -> None:
    key = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    body = {"name": "old", "kind": "ssh_key", "private_key": key.decode()}
    assert (await lone_caller.post(CREDENTIALS, body)).status_code == 201


async def test_a_credential_in_use_stays(lone_caller: Caller) -> None:
    await add_credential(lone_caller)
    await lone_caller.post(CONNECTIONS, WEB)
    assert_problem(await lone_caller.ask("DELETE", f"{CREDENTIALS}/ops"), 409, "used by web-01")
    await lone_caller.ask("DELETE", f"{CONNECTIONS}/web-01")
    assert (await lone_caller.ask("DELETE", f"{CREDENTIALS}/ops")).status_code == 204


async def test_a_connection_is_tried_by_a_worker(busy_caller: Caller) -> None:
    await busy_caller.post(CONNECTIONS, {"name": "here", "connector": "local"})
    answer = await busy_caller.post(f"{CONNECTIONS}/here/test")
    assert answer.status_code == 200, answer.text
    assert answer.json()["is_ok"] is True

    await add_credential(busy_caller)
    nobody = {**WEB, "name": "nobody", "host": "127.0.0.1", "port": 1}
    assert (await busy_caller.post(CONNECTIONS, nobody)).status_code == 201
    answer = await busy_caller.post(f"{CONNECTIONS}/nobody/test")
    assert (answer.status_code, answer.json()["is_ok"]) == (200, False)
    assert "127.0.0.1" in answer.json()["detail"]


async def test_changing_a_connection_that_a_waiting_plan_uses(busy_caller: Caller) -> None:
    await busy_caller.mode("hil")
    await add_credential(busy_caller)
    await busy_caller.post(CONNECTIONS, WEB)
    await busy_caller.add_runbook(busy_caller.runbook().replace("target: local", "target: ci"))
    ticket_id = await busy_caller.file(metadata={"ci_name": "web-01"})
    ticket = await busy_caller.status(ticket_id, "awaiting_approval", "awaiting_runbook")
    if ticket["status"] == "awaiting_runbook":
        await busy_caller.post(busy_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})
        ticket = await busy_caller.status(ticket_id, "awaiting_approval")
    assert ticket["plan"]["targets"][0]["host"] == "10.0.3.17"
    old = ticket["plan"]["digest"]
    await busy_caller.ask("PUT", f"{CONNECTIONS}/web-01", {**WEB, "host": "10.0.3.18"})
    ticket = await busy_caller.until(ticket_id, lambda now: now["plan"]["digest"] != old)
    assert ticket["plan"]["targets"][0]["host"] == "10.0.3.18"
    assert ticket["status"] == "awaiting_approval"
