"""The story and `up`, as people run them: real processes, real SSH, the real Temporal server."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.e2e.running import CLI, ROOT, Running, environment_for, processes_of, running, until
from tests.needs import need, need_program
from tests.patience import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MODE = "/settings/execution-mode/demo"


@pytest.fixture
def handrail(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "state") as started:
        yield started


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("shared") / "state") as started:
        yield started


def stories(handrail: Running) -> dict[str, str]:
    """Return the tickets of the latest story: the number in the story -> id."""
    tickets = handrail.get("/tickets/demo/tickets?source=demo")["items"]
    tickets = [ticket for ticket in tickets if ticket["external_id"][:-2] == tickets[0]["external_id"][:-2]]
    return {ticket["external_id"].rsplit("-", 1)[1]: ticket["id"] for ticket in tickets}


def test_story_then_stop_then_start_again(handrail: Running) -> None:
    found = handrail.json("mode", "hil", "--threshold", "0.93")

    told = handrail.cli("demo", "--approve")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "byte for byte as before" in told.stdout
    assert handrail.get(MODE) == found
    assert (found["mode"], found["confidence_threshold"]) == ("hil", 0.93)

    ids = stories(handrail)
    disk, service, change = (handrail.get(f"/tickets/demo/tickets/{ids[number]}") for number in "123")
    assert disk["status"] == "resolved"
    assert disk["decisions"] == []
    assert [step["status"] for step in disk["executions"][0]["steps"]] == ["succeeded"] * 9
    assert service["status"] == "resolved"
    assert [(one["decision"], one["result"]) for one in service["decisions"]] == [("approve", "accepted")]
    assert service["plan"]["digest"][:12] in told.stdout
    assert change["status"] == "escalated"
    assert "Validate the configuration" in change["status_reason"]
    undone = {
        step["position"]: step["rollback"]["position"] for step in change["executions"][0]["steps"] if step["rollback"]
    }
    assert undone == {4: 2, 5: 1}, "undone in reverse"
    assert change["executions"][0]["status"] == "rolled_back"

    assert handrail.end(signal.SIGINT) == 0
    handrail.need_nothing_left()

    handrail.start("--no-demo")
    assert ids["3"][-8:] in handrail.said
    assert stories(handrail) == ids
    again = handrail.cli("demo", "--approve")
    assert again.returncode == 0, again.stdout + again.stderr
    assert handrail.end(signal.SIGTERM) == 0
    handrail.need_nothing_left()


@pytest.mark.parametrize("way", ["./handrail", "curl"])
def test_a_person_approves_with_the_line_that_the_story_prints(shared: Running, way: str) -> None:
    if way == "curl":
        need_program("curl", "curl")
    need((ROOT / ".venv").exists(), "the launcher needs .venv: make setup")
    with subprocess.Popen(
        [*CLI, "demo"],
        cwd=ROOT,
        env={**shared.environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as story:
        assert story.stdout is not None
        said = ""
        for line in story.stdout:
            said += line
            if "Waiting for you" in line:
                break
        lines = [line.strip() for line in said.splitlines() if re.match(rf" {{4}}(\w+=\S+ )*{re.escape(way)} ", line)]
        assert len(lines) == 1, said
        waiting = shared.get(f"/tickets/demo/tickets/{stories(shared)['2']}")
        assert waiting["status"] == "awaiting_approval"
        assert waiting["executions"][0]["started_at"] is None
        approved = subprocess.run(
            lines[0], shell=True, cwd=ROOT, env=shared.environment, capture_output=True, text=True, check=False
        )
        assert approved.returncode == 0, approved.stdout + approved.stderr
        said += story.stdout.read()
    assert story.returncode == 0, said
    assert shared.get(f"/tickets/demo/tickets/{stories(shared)['2']}")["status"] == "resolved"


def test_up_plays_the_story_and_stops_in_its_middle(tmp_path: Path) -> None:
    with running(tmp_path / "state") as handrail:
        found = handrail.json("mode", "hil", "--threshold", "0.5")
        assert handrail.end() == 0
        handrail.process = subprocess.Popen(
            [*CLI, "up", "--headless"],
            env={**handrail.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=(handrail.home / "up.out").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until(lambda: "Waiting for you" in handrail.said, lambda: handrail.said)
        assert handrail.end(signal.SIGINT) == 0
        handrail.need_nothing_left()
        handrail.start("--no-demo")
        assert handrail.get(MODE) == found
        assert (found["mode"], found["confidence_threshold"]) == ("hil", 0.5)
        ticket_id = stories(handrail)["2"]
        assert f"ticket approve {ticket_id[-8:]}" in handrail.said
        assert handrail.get(f"/tickets/demo/tickets/{ticket_id}")["status"] == "awaiting_approval"
        approved = handrail.cli("ticket", "approve", ticket_id[-6:])
        assert approved.returncode == 0, approved.stderr
        # The lab has booted since, which started the service: nothing is to be fixed, and nothing is changed.
        watched = handrail.cli("ticket", "watch", ticket_id)
        assert "The service really is down" in watched.stdout
        assert watched.returncode == 1


def test_killed_up_takes_its_children_along(handrail: Running) -> None:
    assert len(processes_of(handrail.home)) >= 9
    handrail.end(signal.SIGKILL)
    handrail.need_nothing_left()
    handrail.start("--no-demo")
    assert handrail.end() == 0


def test_dead_worker_is_started_again(shared: Running) -> None:
    workers = [process for process in processes_of(shared.home) if process.cmdline()[-1:] == ["worker"]]
    assert workers
    for process in workers:
        with suppress(psutil.NoSuchProcess):  # `up` ends the rest of the group as soon as its wrapper is gone
            process.kill()
    until(lambda: "worker ended with status" in shared.said, lambda: shared.said)
    assert shared.json("connection", "test", "web-01")["is_ok"] is True


def test_second_up_is_told_of_the_first(shared: Running) -> None:
    second = shared.cli("up", "--no-demo")
    assert second.returncode == 1
    assert f"already runs on {shared.home}" in second.stderr
    assert shared.process is not None
    assert f"process {shared.process.pid}" in second.stderr


def test_ports_in_use_are_named(tmp_path: Path) -> None:
    environment = environment_for(tmp_path / "state")
    port = int(environment["HANDRAIL_TEMPORAL_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            [*CLI, "up"], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    assert done.returncode == 1
    assert f"port {port}, for the embedded Temporal, is in use" in done.stderr
    assert "HANDRAIL_TEMPORAL_PORT=" in done.stderr
    assert "HANDRAIL_PORT=" not in done.stderr
    assert processes_of(tmp_path / "state") == []


def test_part_that_cannot_start_is_shown_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "temporal.db").write_text("this is no database, and long enough to be looked at")
    environment = environment_for(tmp_path / "state")
    done = subprocess.run([*CLI, "up"], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "temporal could not be started" in done.stderr
    assert "file is not a database" in done.stderr
    assert "logs/temporal.log" in done.stderr
    until(lambda: not processes_of(tmp_path / "state"), lambda: "processes are left")
