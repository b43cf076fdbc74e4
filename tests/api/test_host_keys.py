"""A host whose key nobody has confirmed: a test shows it, a person confirms it once, and nothing runs before."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.caller import TENANT, TOUCH, Caller
from tests.api.test_connections import HOST_KEY
from tests.api.test_problems import assert_problem
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd

WEB = f"/connections/{TENANT}/web-01"
THERE = TOUCH.replace("target: local", "target: web-01")


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


async def add_unconfirmed(caller: Caller, sshd: Sshd) -> None:
    secret = {"name": "ops", "kind": "ssh_key", "private_key": sshd.secret.private_key}
    assert (await caller.post(f"/credentials/{TENANT}", secret)).status_code == 201
    body = sshd.address.model_dump(mode="json") | {"name": "web-01", "credential": "ops", "host_key": None}
    answer = await caller.post(f"/connections/{TENANT}", body)
    assert answer.status_code == 201, answer.text


async def shown(caller: Caller) -> dict[str, Any]:
    answer = (await caller.post(f"{WEB}/test")).json()
    assert answer["is_ok"] is False
    found: dict[str, Any] = answer["unconfirmed"]
    assert found["fingerprint"] in answer["detail"]
    return found


async def test_a_key_is_shown_confirmed_once_and_then_checked(busy_caller: Caller, sshd: Sshd) -> None:
    await add_unconfirmed(busy_caller, sshd)
    seen = await shown(busy_caller)
    real = sshd.address.host_key or ""
    assert seen["host_key"].split() == real.split()[:2]
    assert (seen["kind"], seen["host"], seen["port"]) == ("ssh-ed25519", sshd.address.host, sshd.address.port)
    assert (await busy_caller.get(WEB)).json()["host_key"] is None

    body = {part: seen[part] for part in ("host_key", "host", "port")}
    elsewhere = await busy_caller.post(f"{WEB}/host-key", body | {"port": 1})
    assert_problem(elsewhere, 409, "test it again")
    foreign = await busy_caller.post(f"{WEB}/host-key", body | {"host_key": "ssh-ed25519 AAAA"})
    assert_problem(foreign, 422, "ssh-keyscan")
    assert (await busy_caller.get(WEB)).json()["host_key"] is None

    assert (await busy_caller.post(f"{WEB}/host-key", body)).json()["host_key"] == seen["host_key"]
    again = await busy_caller.post(f"{WEB}/host-key", body)
    assert again.status_code == 200
    assert_problem(await busy_caller.post(f"{WEB}/host-key", body | {"host_key": HOST_KEY}), 409, seen["fingerprint"])
    tested = (await busy_caller.post(f"{WEB}/test")).json()
    assert (tested["is_ok"], tested["unconfirmed"]) == (True, None), tested


async def test_nothing_runs_on_a_host_without_a_confirmed_key(busy_caller: Caller, sshd: Sshd) -> None:
    await add_unconfirmed(busy_caller, sshd)
    await busy_caller.mode("auto", confidence_threshold=0)
    await busy_caller.post(f"/runbooks/{TENANT}", THERE.replace("DIRECTORY", str(sshd.home)))
    ticket_id = await busy_caller.file()
    ticket = await busy_caller.status(ticket_id, "escalated", "awaiting_runbook")
    if ticket["status"] == "awaiting_runbook":
        assert (await busy_caller.post(busy_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})).is_success
        ticket = await busy_caller.status(ticket_id, "escalated")
    assert "nobody has confirmed the host key of web-01" in ticket["status_reason"]
    assert not (sshd.home / "made").exists()

    body = {part: value for part, value in (await shown(busy_caller)).items() if part in ("host_key", "host", "port")}
    assert (await busy_caller.post(f"{WEB}/host-key", body)).status_code == 200
    assert (await busy_caller.post(busy_caller.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})).is_success
    await busy_caller.status(ticket_id, "resolved")
    assert (sshd.home / "made").read_text() == "hello\n"


async def test_a_host_that_is_not_there_shows_no_key(busy_caller: Caller, sshd: Sshd) -> None:
    await add_unconfirmed(busy_caller, sshd)
    await busy_caller.ask("PUT", WEB, {**(await busy_caller.get(WEB)).json(), "port": 1})
    answer = (await busy_caller.post(f"{WEB}/test")).json()
    assert (answer["is_ok"], answer["unconfirmed"]) == (False, None)
    assert "cannot be reached" in answer["detail"]
