"""A host whose key nobody has confirmed: a test shows it, a person confirms it once, and nothing runs before."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.desk import TENANT, TOUCH, Desk
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


async def add_unconfirmed(desk: Desk, sshd: Sshd) -> None:
    secret = {"name": "ops", "kind": "ssh_key", "private_key": sshd.secret.private_key}
    assert (await desk.post(f"/credentials/{TENANT}", secret)).status_code == 201
    body = sshd.address.model_dump(mode="json") | {"name": "web-01", "credential": "ops", "host_key": None}
    answer = await desk.post(f"/connections/{TENANT}", body)
    assert answer.status_code == 201, answer.text


async def shown(desk: Desk) -> dict[str, Any]:
    answer = (await desk.post(f"{WEB}/test")).json()
    assert answer["is_ok"] is False
    found: dict[str, Any] = answer["unconfirmed"]
    assert found["fingerprint"] in answer["detail"]
    return found


async def test_a_key_is_shown_confirmed_once_and_then_checked(busy_desk: Desk, sshd: Sshd) -> None:
    await add_unconfirmed(busy_desk, sshd)
    seen = await shown(busy_desk)
    real = sshd.address.host_key or ""
    assert seen["host_key"].split() == real.split()[:2]
    assert (seen["kind"], seen["host"], seen["port"]) == ("ssh-ed25519", sshd.address.host, sshd.address.port)
    assert (await busy_desk.get(WEB)).json()["host_key"] is None

    body = {part: seen[part] for part in ("host_key", "host", "port")}
    elsewhere = await busy_desk.post(f"{WEB}/host-key", body | {"port": 1})
    assert_problem(elsewhere, 409, "test it again")
    assert_problem(await busy_desk.post(f"{WEB}/host-key", body | {"host_key": "ssh-ed25519 AAAA"}), 422, "ssh-keyscan")
    assert (await busy_desk.get(WEB)).json()["host_key"] is None

    assert (await busy_desk.post(f"{WEB}/host-key", body)).json()["host_key"] == seen["host_key"]
    again = await busy_desk.post(f"{WEB}/host-key", body)
    assert again.status_code == 200
    assert_problem(await busy_desk.post(f"{WEB}/host-key", body | {"host_key": HOST_KEY}), 409, seen["fingerprint"])
    tested = (await busy_desk.post(f"{WEB}/test")).json()
    assert (tested["is_ok"], tested["unconfirmed"]) == (True, None), tested


async def test_nothing_runs_on_a_host_without_a_confirmed_key(busy_desk: Desk, sshd: Sshd) -> None:
    await add_unconfirmed(busy_desk, sshd)
    await busy_desk.mode("auto", confidence_threshold=0)
    await busy_desk.post(f"/runbooks/{TENANT}", THERE.replace("DIRECTORY", str(sshd.home)))
    ticket_id = await busy_desk.file()
    ticket = await busy_desk.status(ticket_id, "escalated", "awaiting_runbook")
    if ticket["status"] == "awaiting_runbook":
        assert (await busy_desk.post(busy_desk.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})).is_success
        ticket = await busy_desk.status(ticket_id, "escalated")
    assert "nobody has confirmed the host key of web-01" in ticket["status_reason"]
    assert not (sshd.home / "made").exists()

    body = {part: value for part, value in (await shown(busy_desk)).items() if part in ("host_key", "host", "port")}
    assert (await busy_desk.post(f"{WEB}/host-key", body)).status_code == 200
    assert (await busy_desk.post(busy_desk.at(ticket_id, "/execute"), {"runbook_id": "touch-file"})).is_success
    await busy_desk.status(ticket_id, "resolved")
    assert (sshd.home / "made").read_text() == "hello\n"


async def test_a_host_that_is_not_there_shows_no_key(busy_desk: Desk, sshd: Sshd) -> None:
    await add_unconfirmed(busy_desk, sshd)
    await busy_desk.ask("PUT", WEB, {**(await busy_desk.get(WEB)).json(), "port": 1})
    answer = (await busy_desk.post(f"{WEB}/test")).json()
    assert (answer["is_ok"], answer["unconfirmed"]) == (False, None)
    assert "cannot be reached" in answer["detail"]
