"""The commands against a Handrail that runs: real API, worker, Temporal and lab hosts."""

import asyncio
import json
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from commands.api.client import Api
from commands.local.demo_mode import kept_mode
from domain.tenant import ExecutionMode
from domain.text.signs import signs
from tests.cli.waiting import filed, status, waiting
from tests.e2e.running import CLI, Running, until
from tests.patience import PATIENCE
from tests.ports import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_mode_is_shown_and_set(handrail: Running) -> None:
    before = handrail.json("mode")
    assert handrail.json("mode", "auto", "--threshold", "0.9") == before | {"confidence_threshold": 0.9}
    assert handrail.json("mode", "hil") == before | {"mode": "hil", "confidence_threshold": 0.9}
    assert "every plan waits" in handrail.cli("mode").stdout
    assert handrail.json("mode", "auto", "--threshold", "0.8") == before | {"mode": "auto", "confidence_threshold": 0.8}


def test_lists_as_text_and_json(handrail: Running) -> None:
    assert [one["name"] for one in handrail.json("connection", "list")] == ["db-01", "web-01", "web-02"]
    assert handrail.json("credential", "list") == [{"name": "lab-key", "kind": "ssh_key", "username": "ops"}]
    runbooks = {one["id"] for one in handrail.json("runbook", "list")}
    assert {"disk-full", "service-down"} <= runbooks
    assert "disk-full" in handrail.cli("runbook", "list").stdout
    assert handrail.cli("runbook", "show", "disk-full").stdout.startswith("id: disk-full\n")
    assert handrail.cli("runbook", "show", "none").returncode == 1
    assert handrail.json("runbook", "duplicates") == []
    assert handrail.cli("runbook", "duplicates").stdout == "no two runbooks in use are nearly the same\n"


def test_ticket_by_a_part_of_its_id(handrail: Running) -> None:
    ticket_id = filed(handrail, "Something odd happened")
    for given in (ticket_id, ticket_id.upper(), ticket_id[-6:], "latest"):
        assert handrail.json("ticket", "show", given)["id"] == ticket_id
    short = handrail.cli("ticket", "show", ticket_id[-3:])
    assert short.returncode == 2
    assert "too short" in short.stderr
    other = filed(handrail, "Something else happened")
    both = handrail.cli("ticket", "show", ticket_id[:4])
    assert both.returncode == 1
    assert "give more of the id" in both.stderr
    assert other in both.stderr
    unknown = handrail.cli("ticket", "show", "zzzzzz")
    assert unknown.returncode == 1
    assert "ticket list" in unknown.stderr
    assert [one["id"] for one in handrail.json("ticket", "list", "--query", "odd")] == [ticket_id]


def test_ticket_without_runbook_waits_runs_a_chosen_one_and_is_cancelled(handrail: Running) -> None:
    ticket_id = filed(handrail, "The coffee machine of floor 3 is out of beans")
    until(lambda: status(handrail, ticket_id) == "awaiting_runbook", lambda: status(handrail, ticket_id))
    wrong = handrail.cli("ticket", "execute", ticket_id, "service-dwn")
    assert wrong.returncode == 1
    assert "service-down" in wrong.stderr
    unknown = handrail.cli("ticket", "execute", ticket_id, "service-down", "--input", "colour=red")
    assert unknown.returncode == 1
    assert "colour" in unknown.stderr
    chosen = handrail.cli("ticket", "execute", ticket_id, "service-down", "-i", "service=nginx", "--target", "web-01")
    assert chosen.returncode == 0, chosen.stderr
    until(lambda: status(handrail, ticket_id) == "awaiting_approval", lambda: status(handrail, ticket_id))
    assert handrail.json("ticket", "show", ticket_id)["plan"]["inputs"] == {"service": "nginx"}
    assert handrail.cli("ticket", "cancel", ticket_id, "--comment", "tea will do").returncode == 0
    watched = handrail.cli("ticket", "watch", ticket_id)
    assert watched.returncode == 1
    assert "tea will do" in watched.stdout
    assert status(handrail, ticket_id) == "cancelled"


def test_reject(handrail: Running) -> None:
    ticket_id = str(waiting(handrail, "web-02")["id"])
    done = handrail.cli("ticket", "reject", ticket_id, "-m", "not on a Friday")
    assert done.returncode == 0, done.stderr
    ended = handrail.json("ticket", "show", ticket_id)
    assert (ended["status"], ended["executions"][0]["started_at"]) == ("rejected", None)
    again = handrail.cli("ticket", "approve", ticket_id)
    assert again.returncode == 1
    assert "ticket show" in again.stderr
    like_it = waiting(handrail, "web-02")
    text = " ".join(handrail.cli("ticket", "show", str(like_it["id"])).stdout.split())
    assert f"similar {ticket_id} nginx is down on web-02 rejected 100% alike, service-down" in text
    analysis: Any = like_it["analysis"]
    assert f"machine {analysis['ci']['reason']}" in text
    assert f"{analysis['reasons'][0]['weight']:+.2f} {analysis['reasons'][0]['text']}" in text
    assert handrail.cli("ticket", "cancel", str(like_it["id"])).returncode == 0


def test_approve_shows_the_plan_and_insists_on_its_digest(handrail: Running) -> None:
    ticket = waiting(handrail, "web-01")
    ticket_id, plan = str(ticket["id"]), ticket["plan"]
    assert isinstance(plan, dict)
    for wrong in ("0" * 64, plan["digest"][:7]):
        done = handrail.cli("ticket", "approve", ticket_id, "--digest", wrong)
        assert done.returncode == 1
        assert "nothing was decided" in done.stderr
        assert f"./handrail ticket show {ticket_id[-8:]}, then name --digest {plan['digest'][:12]}" in done.stderr
    assert status(handrail, ticket_id) == "awaiting_approval"
    done = handrail.cli("ticket", "approve", ticket_id, "--digest", plan["digest"][:12])
    assert done.returncode == 0, done.stderr
    for shown in (
        plan["digest"][:12],
        "web-01 (ssh ops@127.0.0.1:",
        'systemctl start "$service"',
        "service='nginx'",
        "undo $",
    ):
        assert shown in done.stdout
    # nginx runs, so the precheck fails and nothing is changed.
    events = [json.loads(line) for line in handrail.cli("ticket", "watch", ticket_id, "--json").stdout.splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["data"]["ticket_status"] == status(handrail, ticket_id) == "escalated"


def test_output_and_rollback(handrail: Running) -> None:
    root = Path(handrail.home / "lab/web-02")
    assert handrail.cli("mode", "auto").returncode == 0
    pid = int((root / "run/nginx.pid").read_text())
    os.kill(pid, 9)
    done = handrail.cli(
        *("ticket", "file", "--title", "nginx is down on web-02", "--severity", "high", "--ci", "web-02", "--watch"),
        *("--service", "nginx", "--label", "alertname=SystemdUnitFailed", "--description", "connection refused"),
        *("--environment", "spare"),  # elsewhere it was rejected
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resolved" in done.stdout
    written = handrail.cli("ticket", "output", "latest", "2")
    assert written.stdout.startswith("nginx is ")
    assert handrail.cli("ticket", "output", "latest", "99").returncode == 1
    shown = handrail.cli("ticket", "show", "latest")
    assert "succeeded" in shown.stdout
    assert handrail.cli("ticket", "rollback", "latest", "-m", "for the test").returncode == 0
    ticket_id = handrail.json("ticket", "list", "-n", "1")[0]["id"]
    until(
        lambda: handrail.json("ticket", "show", ticket_id)["executions"][0]["status"] == "rolled_back",
        lambda: status(handrail, ticket_id),
    )
    again = handrail.cli("ticket", "rollback", ticket_id)
    assert again.returncode == 1
    assert "rolled back already" in again.stderr
    waits = ("ticket", "list", "--waiting", "--query", "nginx is down on web-02")
    assert ticket_id in [one["id"] for one in handrail.json(*waits)]
    assert handrail.cli("ticket", "note", ticket_id, "-m", "known").returncode == 0
    assert "for nobody; " in handrail.cli("ticket", "show", ticket_id).stdout
    assert ticket_id not in [one["id"] for one in handrail.json(*waits)]
    assert history(handrail)["spare"]["rollbacks"] == 1
    assert "undone on request" in handrail.cli("runbook", "history", "service-down").stdout


def history(handrail: Running) -> dict[str, Any]:
    """Return what the runbook did, by environment."""
    return {one["environment"]: one for one in handrail.json("runbook", "history", "service-down")["environments"]}


def test_a_queue_is_shown_at_both_ends(handrail: Running, tmp_path: Path) -> None:
    text = "id: thinker\ntitle: Think first\nrisk: low\ntarget: local\nsteps:\n"
    after = "postchecks:\n  - {name: It is over, run: 'true'}\n"
    (tmp_path / "thinker.yaml").write_text(
        text + "  - {name: Think, run: 'true', rollback: 'true', approval: required}\n" + after
    )
    assert handrail.cli("runbook", "sync", str(tmp_path / "thinker.yaml")).returncode == 0
    assert handrail.cli("mode", "hil").returncode == 0
    holder, waiting = (filed(handrail, f"The printer of floor {floor} is out of toner") for floor in (1, 2))
    for ticket_id in (holder, waiting):
        has_status(handrail, ticket_id, "awaiting_runbook")
        assert handrail.cli("ticket", "execute", ticket_id, "thinker").returncode == 0
        has_status(handrail, ticket_id, "awaiting_approval")
        assert handrail.cli("ticket", "approve", ticket_id, "--yes").returncode == 0
        until(partial(is_in_line, handrail, ticket_id), partial(status, handrail, ticket_id))
    until(lambda: handrail.json("ticket", "show", holder)["waits_for_step"] == 1, lambda: status(handrail, holder))
    shown = " ".join(handrail.cli("ticket", "show", waiting).stdout.split())
    assert f"waits for local: ticket {holder} holds it (awaiting_approval since" in shown
    assert "step 1 'Think' waits for approval" in shown
    assert "holds local; 1 ticket waits behind this" in " ".join(handrail.cli("ticket", "show", holder).stdout.split())
    given = handrail.cli("ticket", "requeue", holder, "-m", "the other is urgent")
    assert given.returncode == 0, given.stderr
    has_status(handrail, waiting, "awaiting_approval")
    refused = handrail.cli("ticket", "requeue", holder)
    assert refused.returncode == 1
    assert "nothing of it waits for a decision; the execution is queued" in refused.stderr
    assert handrail.cli("ticket", "approve", waiting, "--yes").returncode == 0
    has_status(handrail, waiting, "resolved")
    has_status(handrail, holder, "awaiting_approval")
    assert handrail.cli("ticket", "approve", holder, "--yes").returncode == 0
    has_status(handrail, holder, "resolved")


def has_status(handrail: Running, ticket_id: str, wanted: str) -> None:
    """Wait until a ticket has this status."""
    until(lambda: status(handrail, ticket_id) == wanted, lambda: status(handrail, ticket_id))


def is_in_line(handrail: Running, ticket_id: str) -> bool:
    return handrail.json("ticket", "show", ticket_id)["queue"] is not None


def test_false_positive_and_reopened(handrail: Running) -> None:
    ticket_id = filed(handrail, "The tea kettle of floor 3 whistles")
    until(lambda: status(handrail, ticket_id) == "awaiting_runbook", lambda: status(handrail, ticket_id))
    early = handrail.cli("ticket", "reopen", ticket_id)
    assert early.returncode == 1
    assert "only a closed one" in early.stderr
    assert handrail.cli("ticket", "cancel", ticket_id, "--false-positive", "-m", "it should").returncode == 0
    until(lambda: status(handrail, ticket_id) == "closed", lambda: status(handrail, ticket_id))
    assert handrail.cli("ticket", "reopen", ticket_id).returncode == 0
    until(lambda: status(handrail, ticket_id) == "awaiting_runbook", lambda: status(handrail, ticket_id))


def test_match_explains_any_text_and_files_nothing(handrail: Running) -> None:
    before = [one["id"] for one in handrail.json("ticket", "list")]
    text = "no space left on device: /var on web-01 is full"
    told = handrail.cli("match", "--explain", text, "--label", "alertname=NodeFilesystemAlmostOutOfSpace")
    assert told.returncode == 0, told.stderr
    assert "disk-full v" in told.stdout
    assert "declares the ticket's alert name" in told.stdout
    found = handrail.json("match", "--title", "Disk almost full on web-01", "--service", "nginx", "-n", "1")
    assert [match["runbook_id"] for match in found["matched_runbooks"]] == ["disk-full"]
    assert found["analysis"]["ci"]["connection"] == "web-01"
    assert "reasons" not in handrail.cli("match", text).stdout
    nothing = handrail.cli("match", " ")
    assert nothing.returncode == 2
    assert "nothing to match" in nothing.stderr
    assert [one["id"] for one in handrail.json("ticket", "list")] == before


def test_history_and_its_reset(handrail: Running) -> None:
    assert handrail.cli("ticket", "reject", str(waiting(handrail, "web-02")["id"])).returncode == 0
    assert history(handrail)[""]["rejections"] > 0
    done = handrail.cli("runbook", "history", "service-down", "--reset", "-m", "tests are over")
    assert done.stdout.startswith("nothing counts")
    assert "tests are over" in done.stdout
    unknown = handrail.cli("runbook", "history", "none", "--reset")
    assert unknown.returncode == 1
    assert "no runbook 'none'" in unknown.stderr
    assert "./handrail runbook list" in unknown.stderr


def test_unknown_tenant_and_wrong_token(handrail: Running) -> None:
    unknown = handrail.cli("--tenant", "nobody", "ticket", "list")
    assert unknown.returncode == 1
    assert "there is no tenant 'nobody'" in unknown.stderr
    stranger = Running(handrail.home, handrail.environment | {"HANDRAIL_TOKEN": "not-the-right-token"})
    refused = stranger.cli("ticket", "list")
    assert refused.returncode == 1
    assert "HANDRAIL_TOKEN" in refused.stderr


@pytest.mark.parametrize("how", ["error", "cancelled"])
async def test_demo_gives_the_mode_back(handrail: Running, how: str) -> None:
    token = (handrail.home / "token").read_text().strip()
    async with Api(handrail.url, token, "demo") as api:
        found = await api.post("/settings/execution-mode/{tenant}", {"mode": "auto", "confidence_threshold": 0.71})
        inside = asyncio.Event()

        async def borrow() -> None:
            async with kept_mode(api, ExecutionMode.HIL):
                inside.set()
                await (asyncio.Event().wait() if how == "cancelled" else asyncio.sleep(0))
                raise RuntimeError

        task = asyncio.create_task(borrow())
        await inside.wait()
        if how == "cancelled":
            assert (await api.get("/settings/execution-mode/{tenant}"))["mode"] == "hil"
            task.cancel()
        with pytest.raises((RuntimeError, asyncio.CancelledError)):
            await task
        assert await api.get("/settings/execution-mode/{tenant}") == found
        await api.post("/settings/execution-mode/{tenant}", {"mode": "auto", "confidence_threshold": 0.8})


def test_doctor_tells_of_a_language_model_that_does_not_answer(handrail: Running) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}/v1"
    configured = {"HANDRAIL_LLM_URL": endpoint, "HANDRAIL_LLM_MODEL": "tiny", "HANDRAIL_LLM_KEY": "sk-never-seen"}
    done = subprocess.run(
        [*CLI, "doctor", "--json"],
        env=handrail.environment | configured,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (finding,) = [one for one in json.loads(done.stdout) if one["kind"] == "language_model"]
    assert "cannot be reached" in finding["what"]
    assert "sk-never-seen" not in done.stdout + done.stderr


def test_doctor_and_keys_name_a_key_that_was_dropped_too_early(handrail: Running) -> None:
    """The lab's credential and a waiting ticket were sealed with the key in the state directory."""
    ticket = waiting(handrail, "web-01")
    (use,) = handrail.json("keys")
    assert (use["place"], use["advice"]) == (1, "seals")
    assert "credential lab-key of demo" in use["rows"]
    assert use["running"] >= 1
    dropped = handrail.environment | {"HANDRAIL_SECRET_KEYS": Fernet.generate_key().decode()}
    for command in ("doctor", "keys"):
        done = subprocess.run(
            [*CLI, command], env=dropped, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert use["key_id"] in done.stdout
        assert "add it back" in done.stdout
    assert handrail.cli("ticket", "reject", str(ticket["id"])).returncode == 0


TOKEN = """id: set-token
title: Set the token
risk: none
target: local
inputs:
  token: {type: string, sensitive: true}
steps:
  - name: Set it
    run: test "$token" = swordfish-of-test
postchecks:
  - name: It is set
    run: "true"
"""


def test_a_sensitive_input_comes_from_a_file_and_is_never_shown(handrail: Running, tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text(TOKEN)
    assert handrail.cli("mode", "hil").returncode == 0
    assert handrail.cli("runbook", "sync", str(tmp_path / "set.yaml")).returncode == 0
    ticket_id = filed(handrail, "nothing that a runbook is for")
    has_status(handrail, ticket_id, "awaiting_runbook")
    run = ("ticket", "execute", ticket_id, "set-token")
    for wrong, exit_status in ((("--input", "token=swordfish-of-test"), 2), ((), 1)):
        refused = handrail.cli(*run, *wrong)
        assert (refused.returncode, "--input-file token=FILE" in refused.stderr) == (exit_status, True), refused.stderr
        assert "swordfish" not in refused.stdout + refused.stderr
    assert handrail.cli(*run, "--input-file", "token=-", text="swordfish-of-test\n").returncode == 0
    has_status(handrail, ticket_id, "awaiting_approval")
    assert "token (hidden, fingerprint" in handrail.cli("ticket", "show", ticket_id).stdout
    assert handrail.cli("ticket", "approve", ticket_id, "--yes").returncode == 0
    has_status(handrail, ticket_id, "resolved")


def test_every_command_shows_what_came_from_outside_as_signs(handrail: Running, tmp_path: Path) -> None:
    odd = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e\u200b"
    runbook = tmp_path / "odd.yaml"
    name = json.dumps(f"odd {odd}")
    runbook.write_text(
        f"id: odd\ntitle: {name}\nrisk: none\ntarget: local\nmatch: {{symptoms: [zorblax]}}\n"
        f'steps:\n  - {{name: {name}, run: "true"}}\n'
    )
    assert handrail.cli("runbook", "sync", str(runbook)).returncode == 0
    ticket_id = filed(handrail, f"zorblax {odd}", "--description", odd, "--service", odd, "--label", f"a={odd}")
    handrail.cli("ticket", "cancel", ticket_id, "--comment", odd)
    for words in (
        ("ticket", "list"),
        ("ticket", "show", ticket_id),
        ("ticket", "watch", ticket_id),
        ("ticket", "watch", ticket_id, "--json"),
        ("ticket", "execute", ticket_id, odd),
        ("runbook", "list"),
        ("runbook", "show", "odd", "--json"),
        ("connection", "show", odd),
        ("match", f"zorblax {odd}"),
        ("doctor",),
    ):
        done = handrail.cli(*words)
        said = done.stdout + done.stderr
        assert signs(said) == said, words
