"""A sensitive input on its whole way: its value reaches the command, and is nowhere else to be found."""

import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.executions.mask import MARK
from tests.api.caller import KIM, SAM, Caller
from tests.stack import Stack
from tests.temporal_server import TemporalServer

VALUE, OTHER = "swordfish-1946-qzxv", "swordfish-1947-qzxv"
ROTATE = """
id: rotate-token
title: Set the token that the service misses
risk: low
target: local
inputs:
  token: {type: string, sensitive: true, pattern: "[a-z0-9-]+", max_length: 60}
  spare: {type: string, sensitive: true, required: false}
steps:
  - name: Store it
    run: |
      if [ ! -e DIRECTORY/tried ]; then touch DIRECTORY/tried; echo "cannot store $token" >&2; exit 3; fi
      printf %s "$token" >DIRECTORY/made
      printf 'storing %s' "${token%-qzxv}"
      while [ ! -e DIRECTORY/go ]; do sleep 0.05; done
      printf '%s, done\\n' -qzxv; echo "a warning about $token" >&2
    idempotent: true
    retries: {attempts: 2, every: 1s}
    rollback: printf %s "$token" >DIRECTORY/undone; echo "took $token back"
  - name: Use it
    when: token != "" and spare == ""
    run: test "$(cat DIRECTORY/made)" = "$token"; echo "used $token"
    no_rollback: it only reads
postchecks:
  - name: It is there
    run: test "$(cat DIRECTORY/made)" = "$token" || { echo "$token" >&2; false; }
"""
ECHO = """
id: echo-token
title: Register what prints a token
risk: low
target: local
inputs:
  token: {type: string, sensitive: true}
steps:
  - name: Print it
    run: echo "token=$token"
    register: printed
    rollback: echo undone >DIRECTORY/undone
postchecks: [{name: Nothing, run: "true"}]
"""


async def waits_for_runbook(caller: Caller, text: str) -> str:
    await caller.mode("hil")
    await caller.add_runbook(text)
    ticket_id = await caller.file("Nothing that a runbook is for")
    await caller.status(ticket_id, "awaiting_runbook")
    return ticket_id


async def asked(caller: Caller, ticket_id: str, what: str, who: str = SAM, **inputs: str) -> httpx.Response:
    body = {"runbook_id": "rotate-token", "inputs": inputs}
    return await caller.post(caller.at(ticket_id, what), body, headers={"Authorization": f"Bearer {who}"})


async def everything_said(caller: Caller, ticket_id: str) -> str:
    """Return all that the API and the pages say of a ticket."""
    ticket = await caller.ticket(ticket_id)
    paths = [caller.at(ticket_id), caller.at(ticket_id, "/timeline")]
    for execution in ticket["executions"]:
        paths += [f"/executions/demo/{execution['id']}"]
        paths += [f"/executions/demo/{execution['id']}/steps/{step['position']}/output" for step in execution["steps"]]
    answers = [await caller.get(path) for path in paths]
    answers += [await caller.client.get(f"/t/demo/tickets/{ticket_id}"), await caller.client.get("/t/demo/approvals")]
    return "\n".join(answer.text for answer in answers)


async def output(caller: Caller, ticket: dict[str, Any], position: int, **more: str) -> dict[str, Any]:
    path = f"/executions/demo/{ticket['plan']['execution_id']}/steps/{position}/output"
    found: dict[str, Any] = (await caller.get(path, params=more)).json()
    return found


def assert_nowhere(value: str, folder: Path, temporal: TemporalServer, host: Path) -> None:
    """Neither whole nor without its end is the value in a byte of our files, of Temporal's or of their logs."""
    files = [*folder.rglob("*"), *temporal.home.rglob("*")]
    looked_at = [path for path in files if path.is_file() and host not in path.parents]
    assert {"handrail.db", "temporal.db"} <= {path.name for path in looked_at}
    for path in looked_at:
        found = path.read_bytes()
        assert value.removesuffix("-qzxv").encode() not in found, path


async def test_it_reaches_the_command_and_nothing_else(
    busy_caller: Caller, stack: Stack, temporal: TemporalServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caller = busy_caller
    ticket_id = await waits_for_runbook(caller, ROTATE)
    assert (await asked(caller, ticket_id, "/execute", token=VALUE)).status_code == 202
    ticket = await caller.status(ticket_id, "awaiting_approval")
    plan = ticket["plan"]
    assert plan["inputs"] == {"spare": ""}
    assert re.fullmatch(r"hidden, fingerprint [0-9a-f]{12}", plan["sealed_inputs"]["token"])
    page = (await caller.client.get(f"/t/demo/tickets/{ticket_id}")).text
    assert plan["sealed_inputs"]["token"] in page

    assert (await caller.decide(ticket_id)).status_code == 200

    async def stored() -> bool | None:
        return (await output(caller, ticket, 1))["stdout"] == f"storing {MARK}" or None

    await stack.until(stored)  # half of the value is there, and hidden
    assert_nowhere(VALUE, tmp_path, temporal, caller.host)
    (caller.host / "go").touch()
    await caller.status(ticket_id, "resolved")
    assert (caller.host / "made").read_text() == VALUE
    one = await output(caller, ticket, 1)
    assert (one["stdout"], one["stderr"]) == (f"storing {MARK}, done\n", f"a warning about {MARK}\n")
    assert (await output(caller, ticket, 2))["stdout"] == f"used {MARK}\n"

    assert (await caller.post(caller.at(ticket_id, "/rollback"), {})).status_code == 202
    await caller.until(ticket_id, lambda now: now["executions"][-1]["status"] == "rolled_back")
    assert (caller.host / "undone").read_text() == VALUE
    assert (await output(caller, ticket, 1, rollback="true"))["stdout"] == f"took {MARK} back\n"
    said = await everything_said(caller, ticket_id)
    assert f"exit status 3: cannot store {MARK}" in said
    assert VALUE.removesuffix("-qzxv") not in said + caplog.text
    assert_nowhere(VALUE, tmp_path, temporal, caller.host)


async def test_a_digest_binds_it_and_lets_nobody_guess(busy_caller: Caller) -> None:
    caller = busy_caller
    ticket_id = await waits_for_runbook(caller, ROTATE)
    plans = {
        (who, value): (await asked(caller, ticket_id, "/preview", who, token=value)).json()
        for who in (SAM, KIM)
        for value in (VALUE, OTHER)
    }
    digests = {plan["digest"] for plan in plans.values()}
    assert len(digests) == 4, "what kim tries says nothing of what sam gave"
    assert (await asked(caller, ticket_id, "/preview", token=VALUE)).json()["digest"] == plans[SAM, VALUE]["digest"]
    assert (await asked(caller, ticket_id, "/execute", token=VALUE)).status_code == 202
    ticket = await caller.status(ticket_id, "awaiting_approval")
    assert ticket["plan"]["digest"] == plans[SAM, VALUE]["digest"]
    without = (await asked(caller, ticket_id, "/preview")).json()
    assert without["sealed_inputs"] == {"token": "hidden, asked for when it is planned"}
    assert (await asked(caller, ticket_id, "/execute")).status_code == 422
    wrong = await asked(caller, ticket_id, "/execute", token="Not That Kind")
    assert wrong.status_code == 422
    assert "Not That Kind" not in wrong.text


async def test_pages_ask_for_it_as_for_a_password_and_never_in_an_address(busy_caller: Caller) -> None:
    caller = busy_caller
    ticket_id = await waits_for_runbook(caller, ROTATE)
    address = f"/t/demo/runbooks/rotate-token/preview?ticket={ticket_id}&input.token={VALUE}"
    page = (await caller.client.get(address)).text
    assert VALUE not in page
    looked, planned = (re.findall(f'<form method="{how}".*?</form>', page, re.DOTALL) for how in ("get", "post"))
    [field] = [found for form in planned for found in re.findall(r"<input[^>]*name=\"input.token\"[^>]*>", form)]
    assert 'type="password"' in field
    assert "value=" not in field
    assert not any("input.token" in form for form in looked)
    fields = {"runbook_id": "rotate-token", "input.token": VALUE}
    answer = await caller.client.post(f"/t/demo/tickets/{ticket_id}/execute", data=fields)
    assert answer.status_code in (200, 303), answer.text
    await caller.status(ticket_id, "awaiting_approval")
    bad = await caller.client.post(f"/t/demo/tickets/{ticket_id}/execute", data=fields | {"input.token": f"{VALUE} !"})
    assert bad.status_code == 422
    assert VALUE not in bad.text


async def test_what_prints_it_is_not_registered(busy_caller: Caller, temporal: TemporalServer, tmp_path: Path) -> None:
    caller = busy_caller
    ticket_id = await waits_for_runbook(caller, ECHO)
    body = {"runbook_id": "echo-token", "inputs": {"token": VALUE}}
    assert (await caller.post(caller.at(ticket_id, "/execute"), body)).status_code == 202
    await caller.status(ticket_id, "awaiting_approval")
    await caller.decide(ticket_id)
    ticket = await caller.status(ticket_id, "escalated")
    assert "it is not registered" in ticket["executions"][0]["steps"][0]["detail"]
    assert (caller.host / "undone").exists()
    assert_nowhere(VALUE, tmp_path, temporal, caller.host)


async def test_a_plan_takes_it_sealed_only(busy_caller: Caller, stack: Stack) -> None:
    """Somebody who asks Temporal itself, or the runbook said so a moment too late."""
    ticket_id = await waits_for_runbook(busy_caller, ROTATE)
    await stack.execute(ticket_id, "rotate-token", token=VALUE)
    ticket = await busy_caller.until(ticket_id, lambda now: "is sensitive" in now["status_reason"])
    assert ticket["plan"] is None
    assert VALUE not in await everything_said(busy_caller, ticket_id)
