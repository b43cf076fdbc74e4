"""Every sample runbook is run for real: on a broken lab host it mends it, and undone it leaves the tree as it was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from integrations.connector import HostRefused
from lab import faults
from lab.certificate import CERTIFICATE, valid_until
from lab.lab import Lab
from lab.snapshot import differences, snapshot
from tests.lab.support import connected, run
from tests.needs import need_program
from tests.patience import PATIENCE
from tests.runbooks.driver import RUNBOOKS, Drive, load, reached


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with Lab(tmp_path / "state") as running:
        yield running


@dataclass(frozen=True)
class Story:
    """A fault on a host and the runbook that mends it. `inputs` suit a busy machine that runs tests."""

    runbook: str
    host: str
    fault: Callable[[Path], str]
    inputs: dict[str, object] = field(default_factory=dict)


def stop_worker(root: Path) -> str:
    return faults.stop_service(root, "report-worker")


STORIES = [
    Story("disk-full", "web-01", faults.fill_disk),
    Story("service-down", "web-01", faults.stop_service),
    Story("service-down", "web-02", stop_worker, {"service": "report-worker"}),
    Story("runaway-process", "web-02", faults.runaway_process, {"min_cpu_percent": 5, "sample_seconds": 6}),
    Story("certificate-expiring", "web-01", faults.expire_certificate),
    Story("connection-pool-full", "db-01", faults.exhaust_pool, {"idle_seconds": 0}),
    Story("bad-config-restore", "web-02", faults.bad_config),
]
stories = pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.runbook}-{story.host}")


def test_every_sample_has_a_story() -> None:
    told = {story.runbook for story in STORIES} | {"nginx-worker-settings"}
    assert {path.stem for path in RUNBOOKS.glob("*.yaml")} == told


def test_every_step_has_a_way_back_or_says_why_not() -> None:
    for path in RUNBOOKS.glob("*.yaml"):
        runbook = load(path.stem)
        assert runbook.prechecks, path
        assert runbook.postchecks, path
        assert any(step.rollback for step in runbook.steps), path
        assert all(step.rollback or step.no_rollback for step in runbook.steps), path
        assert runbook.match.symptoms, path
        assert runbook.match.labels.get("alertname"), path


@pytest.fixture(autouse=True)
def tools() -> None:
    """What the samples look for in their prechecks."""
    need_program("openssl", "openssl")
    need_program("gzip", "gzip")


@stories
async def test_a_healthy_host_is_left_alone(lab: Lab, story: Story) -> None:
    host = lab.hosts[story.host]
    before = snapshot(host.root)
    async with reached(host) as (_, commands):
        drive = Drive.of(story.runbook, commands, **{**story.inputs, **quick(story)})
        assert await drive.prechecks() is not None, drive.told()
    assert differences(before, snapshot(host.root)) == []


def quick(story: Story) -> dict[str, object]:
    """On a healthy host nothing runs away however short the sample."""
    return {"sample_seconds": 1} if "sample_seconds" in story.inputs else {}


@stories
async def test_it_mends_the_host_and_can_be_undone(lab: Lab, story: Story) -> None:
    host = lab.hosts[story.host]
    others = {name: snapshot(other.root) for name, other in lab.hosts.items() if name != story.host}
    await asyncio.to_thread(story.fault, host.root)
    before = snapshot(host.root)
    async with reached(host) as (_, commands):
        drive = Drive.of(story.runbook, commands, **story.inputs)
        assert await drive.prechecks() is None, drive.told()
        assert differences(before, snapshot(host.root)) == [], "a precheck changed something"
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert await drive.rollbacks() == [], drive.told()
    assert differences(before, snapshot(host.root)) == []
    for name, tree in others.items():
        assert differences(tree, snapshot(lab.hosts[name].root)) == []


@stories
async def test_a_second_rollback_changes_nothing_more(lab: Lab, story: Story) -> None:
    """A rollback may be tried again after its answer was lost."""
    host = lab.hosts[story.host]
    await asyncio.to_thread(story.fault, host.root)
    before = snapshot(host.root)
    async with reached(host) as (_, commands):
        drive = Drive.of(story.runbook, commands, **story.inputs)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        for step in reversed(drive.undo):
            for _ in range(2):
                assert step.rollback is not None
                done = await drive.command(f"undo {step.name}", step.rollback.run)
                assert done.status == 0, drive.told()
    assert differences(before, snapshot(host.root)) == []


async def test_a_rollback_of_a_step_that_did_nothing_does_nothing(lab: Lab) -> None:
    for story in STORIES:
        if story.runbook in ("runaway-process", "service-down"):
            continue  # their first step's rollback needs the process; undone on its own it is the test above
        host = lab.hosts[story.host]
        await asyncio.to_thread(story.fault, host.root)
        before = snapshot(host.root)
        async with reached(host) as (_, commands):
            drive = Drive.of(story.runbook, commands, **story.inputs)
            assert await drive.prechecks() is None, drive.told()
            drive.undo = drive.runbook.steps[:1]
            assert await drive.rollbacks() == [], drive.told()
        assert differences(before, snapshot(host.root)) == []


async def test_disk_full_frees_real_room_and_keeps_what_was_logged_meanwhile(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.fill_disk, host.root, 95)
    log = host.root / "var/log/nginx/access.log"
    before, tree = log.read_bytes(), snapshot(host.root)
    async with reached(host) as (_, commands):
        drive = Drive.of("disk-full", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert await asyncio.to_thread(faults.disk_used_percent, host.root) < 40
        port = int((host.root / "run/nginx.port").read_text())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /meanwhile HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404")
        writer.close()
        async with asyncio.timeout(PATIENCE):
            while b"/meanwhile" not in (log.read_bytes() if log.exists() else b""):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await drive.rollbacks() == [], drive.told()
    assert log.read_bytes().startswith(before)
    assert b"/meanwhile" in log.read_bytes()[len(before) :]
    changed = differences(tree, snapshot(host.root))
    assert changed == ["var/log/nginx/access.log differs in content, changed"]


async def test_disk_full_works_where_the_home_is_full_too(lab: Lab, tmp_path: Path) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.fill_disk, host.root)
    async with reached(host) as (_, commands):  # what ran there before
        assert await Drive.of("service-down", commands).prechecks() is not None
    faults.fill_home(host.root)
    before = snapshot(host.root)
    async with reached(host) as (_, commands):
        with pytest.raises(HostRefused, match=r"no place for records: home: cannot create .*/\.handrail"):
            await Drive.of("disk-full", commands).prechecks()
    async with reached(host, ("home", str(tmp_path))) as (_, commands):
        drive = Drive.of("disk-full", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert await drive.rollbacks() == [], drive.told()
    assert differences(before, snapshot(host.root)) == []
    assert len(list(tmp_path.glob("handrail-*/runs/[a-z0-9]*"))) == len(drive.log)


async def test_disk_full_undoes_a_compression_that_stopped_half_way(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.fill_disk, host.root)
    before = snapshot(host.root)
    async with reached(host) as (connection, commands):
        drive = Drive.of("disk-full", commands)
        assert await drive.prechecks() is None, drive.told()
        first, second, *_ = drive.variables["old_logs"].splitlines()
        # One log is compressed, one has half a compressed file beside it, the rest is untouched.
        cut = f'gzip "{first}"; gzip -c "{second}" | head -c 1000 >"{second}.gz"'
        assert (await run(connection, cut)).status == 0
        drive.undo = drive.runbook.steps[:1]
        assert await drive.rollbacks() == [], drive.told()
    assert differences(before, snapshot(host.root)) == []


async def test_service_down_starts_a_service_that_answers(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.stop_service, host.root, "nginx")
    async with reached(host) as (connection, commands):
        assert (await run(connection, "systemctl is-active nginx")).out == b"failed\n"
        drive = Drive.of("service-down", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        port = int((host.root / "run/nginx.port").read_text())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert b"<h1>web-01</h1>" in await reader.read()
        writer.close()
        assert await drive.rollbacks() == []
        assert (await run(connection, "systemctl is-active nginx")).status == 3


async def test_runaway_stops_only_the_one_and_only_on_this_host(lab: Lab) -> None:
    here, there = lab.hosts["web-01"], lab.hosts["web-02"]
    for host in (here, there):
        await asyncio.to_thread(faults.runaway_process, host.root)
    async with reached(here) as (connection, commands), connected(there) as elsewhere:
        quiet = "nohup sh -c 'sleep 600; : report-export' >/dev/null 2>&1 </dev/null & echo $!"
        innocent = (await run(connection, quiet)).out.decode().strip()
        drive = Drive.of("runaway-process", commands, min_cpu_percent=5, sample_seconds=6)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert drive.variables["runaway_command"].endswith("var/lib/report-export")
        assert (await run(connection, f"ps -p {innocent} -o pid=")).out.decode().strip() == innocent
        assert (await run(elsewhere, "ps -A -o args= | grep -c '[/]var/lib/report-export'")).out == b"1\n"


async def test_runaway_paused_and_undone_runs_on(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.runaway_process, host.root)
    async with reached(host) as (connection, commands):
        drive = Drive.of("runaway-process", commands, min_cpu_percent=5, sample_seconds=6)
        assert await drive.prechecks() is None, drive.told()
        pause = drive.runbook.steps[0]
        assert await drive.step(pause), drive.told()
        look = f"ps -p {drive.variables['runaway_pid']} -o stat="
        assert (await run(connection, look)).out.strip() == b"T"
        drive.undo = [pause]
        assert await drive.rollbacks() == []
        assert (await run(connection, look)).out.strip() in (b"R", b"S")


async def test_certificate_is_renewed_with_its_names_and_served(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.expire_certificate, host.root)
    ended = valid_until(host.root)
    old = (host.root / CERTIFICATE).read_bytes()
    async with reached(host) as (connection, commands):
        drive = Drive.of("certificate-expiring", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert (valid_until(host.root) - ended).days > 300
        names = await run(connection, f"openssl x509 -in $HOST_ROOT/{CERTIFICATE} -noout -text | grep DNS:")
        assert b"DNS:web-01.lab.example" in names.out
        port = (host.root / "run/nginx.tls.port").read_text().strip()
        served = f"openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509"
        there = f"openssl x509 -in $HOST_ROOT/{CERTIFICATE}"
        assert await same_output(connection, served, there)
        assert await drive.rollbacks() == [], drive.told()
        assert (host.root / CERTIFICATE).read_bytes() == old
        assert await same_output(connection, served, there)


async def same_output(connection: asyncssh.SSHClientConnection, one: str, other: str) -> bool:
    """Whether two commands come to print the same; a reload takes a moment to be acted on."""
    for _ in range(100):
        first, second = await run(connection, one), await run(connection, other)
        if first.out and first.out == second.out:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_pool_keeps_the_connections_that_work(lab: Lab) -> None:
    host = lab.hosts["db-01"]
    port = int((host.root / "run/dbpool.port").read_text())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.readline()).startswith(b"READY")
    writer.write(b"BEGIN\n")
    assert await reader.readline() == b"OK\n"
    assert "used=20" in await asyncio.to_thread(faults.exhaust_pool, host.root)
    refused, refused_writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await refused.readline()).startswith(b"ERROR too many connections")
    refused_writer.close()
    async with reached(host) as (connection, commands):
        drive = Drive.of("connection-pool-full", commands, idle_seconds=0, idle_timeout=600)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert b"max=20 used=1 active=1 idle=0" in (await run(connection, "dbpoolctl stats")).out
        assert b"idle_timeout=600" in (await run(connection, "dbpoolctl settings")).out
        writer.write(b"END\n")
        assert await reader.readline() == b"OK\n"
        welcome, welcome_writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await welcome.readline()).startswith(b"READY")
        assert await drive.rollbacks() == [], drive.told()
        assert b"idle_timeout=0" in (await run(connection, "dbpoolctl settings")).out
    writer.close()
    welcome_writer.close()


async def test_bad_config_with_the_service_down_starts_it_and_undone_stops_it(lab: Lab) -> None:
    host = lab.hosts["web-01"]
    await asyncio.to_thread(faults.bad_config, host.root)
    await asyncio.to_thread(faults.stop_service, host.root)
    async with reached(host) as (connection, commands):
        refused = await run(connection, "systemctl start nginx")
        assert refused.status == 1
        assert b"[emerg]" in refused.err
        drive = Drive.of("bad-config-restore", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert await drive.rollbacks() == [], drive.told()
        assert (await run(connection, "systemctl is-active nginx")).status == 3


async def test_a_change_whose_third_step_fails_is_undone_to_the_byte(lab: Lab) -> None:
    host = lab.hosts["web-02"]
    before = snapshot(host.root)
    async with reached(host) as (connection, commands):
        drive = Drive.of("nginx-worker-settings", commands)
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() == "Validate the configuration"
        assert b'invalid number "4k"' in drive.log[-1][1].err
        assert {"etc/nginx/nginx.conf", "etc/nginx/events.conf"} <= {
            line.split(" ")[0] for line in differences(before, snapshot(host.root))
        }
        assert await drive.rollbacks() == [], drive.told()
        undone = [what for what, _ in drive.log if what.startswith("undo")]
        assert undone == ["undo Set worker_connections", "undo Set worker_processes"]
        assert (await run(connection, "systemctl is-active nginx")).out == b"active\n"
    assert differences(before, snapshot(host.root)) == []


async def test_worker_settings_that_nginx_takes_are_rolled_out_and_can_be_undone(lab: Lab) -> None:
    host = lab.hosts["web-02"]
    before = snapshot(host.root)
    async with reached(host) as (_, commands):
        drive = Drive.of("nginx-worker-settings", commands, worker_connections="4096", worker_processes="auto")
        assert await drive.prechecks() is None, drive.told()
        assert await drive.steps() is None, drive.told()
        assert await drive.postchecks() is None, drive.told()
        assert "worker_processes auto;" in (host.root / "etc/nginx/nginx.conf").read_text()
        assert (host.root / "etc/nginx/events.conf").read_text() == "worker_connections 4096;\n"
        assert await drive.rollbacks() == [], drive.told()
    assert differences(before, snapshot(host.root)) == []
