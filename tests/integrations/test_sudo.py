"""What sudo started is ended with its command, or said to be running on: real users, sudo, sshd."""

import asyncio
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from domain.connections.host import CommandResult
from integrations.connector import HostUnreachable
from integrations.ssh import SshRunner
from tests.integrations.conftest import SHELLS, shell_command
from tests.integrations.hosts import Host, until
from tests.needs import need_program
from tests.sudo_host import ANYTHING, NO_KILL, ONLY_A_SHELL, SudoUser, kill_with, processes_with

pytestmark = [pytest.mark.sshd, pytest.mark.timeout(400)]

# How root's work hangs together with the step: MARK tells it from all others, WORK never ends by itself.
LAYOUTS = {
    "child": "sudo -n sh -c 'WORK' MARK",
    "in place of the shell": "exec sudo -n sh -c 'WORK' MARK",
    "several": 'sudo -n sh -c \'sh -c "sleep 9999; : MARK" & sh -c "sleep 9999; : MARK" & wait\' MARK',
    "session of its own": "sudo -n setsid sh -c 'WORK' MARK & wait",
    "orphan in a session of its own": "sudo -n sh -c 'setsid sh -c \"sleep 9999; : MARK\" & sleep 9999' MARK",
    "terminal": "script -qec \"sudo -n sh -c 'WORK' MARK\" /dev/null",
    "pipe": "sudo -n sh -c 'WORK' MARK | cat",
    "sudo in sudo": "sudo -n sudo -n sh -c 'WORK' MARK",
}
WORKS = {
    "yielding": "while :; do sleep 0.1; done",
    "stubborn": "trap : TERM HUP INT; while :; do sleep 0.1; done",
}
# A process of somebody else's; it never ends by itself, and `marks` ends it.
SLEEPS = (sys.executable, "-c", "import time; time.sleep(9999)")  # until it is killed, which is what is tested
STUBBORN_CHILD = LAYOUTS["child"].replace("WORK", WORKS["stubborn"])


@pytest.fixture
def marks() -> Iterator[list[str]]:
    """Marks of processes that a test must not leave behind, whatever becomes of it."""
    used: list[str] = []
    yield used
    for mark in used:
        kill_with(mark)


def new_mark(marks: list[str]) -> str:
    marks.append(f"mark-{uuid.uuid4().hex}")
    return marks[-1]


async def opened(user: SudoUser, **fields: object) -> AsyncIterator[Host]:
    sshd = user.new_host(**fields)
    sshd.start()
    host = Host(SshRunner(), sshd.address, sshd.secret, sshd)
    yield host
    await host.runner.close()
    await asyncio.to_thread(sshd.close)


@pytest.fixture(params=SHELLS)
async def sudo_host(request: pytest.FixtureRequest, sudo_user: SudoUser) -> AsyncIterator[Host]:
    """A host whose login user may use sudo, in each shell in turn."""
    async for host in opened(sudo_user, shell=shell_command(request.param)):
        yield host


@pytest.fixture
async def hiding_host(sudo_user: SudoUser) -> AsyncIterator[Host]:
    """A host on which a user sees only their own processes: /proc is mounted with hidepid."""
    unshare = need_program("unshare", "util-linux")
    hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    async for host in opened(sudo_user, under=[unshare, "-m", "sh", "-c", hide, "sh"]):
        yield host


async def begun(host: Host, attempt_id: str, command: str, mark: str, **fields: object) -> asyncio.Task[CommandResult]:
    """Begin a command and wait until root's part of it runs."""
    task = host.begin(attempt_id, command.replace("MARK", mark), **fields)
    await until(
        lambda: task.done() or any(_is_roots_shell(each) for each in processes_with(mark)),
        lambda: f"root's part never ran: {processes_with(mark)}",
        seconds=90,
    )
    assert not task.done(), task.result()
    return task


def supervisor(host: Host, attempt_id: str) -> psutil.Process:
    return psutil.Process(int((host.folder(attempt_id) / "owner").read_text().split()[0]))


def time_out(host: Host, attempt_id: str) -> None:
    """Tell the supervisor what its timer tells it, at a moment of our choice."""
    supervisor(host, attempt_id).send_signal(signal.SIGUSR1)


def _is_roots_shell(process: psutil.Process) -> bool:
    try:
        return bool(process.uids().real == 0 and process.cmdline()[0] == "sh")
    except (psutil.Error, IndexError):
        return False


def alive(mark: str) -> list[str]:
    return [f"{each.pid} {' '.join(each.cmdline())[:80]}" for each in processes_with(mark)]


@pytest.mark.parametrize(("how", "work"), [("timeout", "stubborn"), ("kill", "yielding"), ("cancel", "stubborn")])
async def test_where_sudo_kill_is_allowed_all_of_it_is_gone(
    sudo_host: Host, sudo_user: SudoUser, marks: list[str], how: str, work: str
) -> None:
    sudo_user.may(ANYTHING, "use_pty")
    need_program("script", "bsdutils")

    async def end(number: int, layout: str) -> None:
        mark = new_mark(marks)
        attempt_id = f"a-{number}"
        command = LAYOUTS[layout].replace("WORK", WORKS[work])
        task = await begun(sudo_host, attempt_id, command, mark)
        if how == "timeout":
            time_out(sudo_host, attempt_id)
        if how == "kill":
            await sudo_host.kill(attempt_id)
            assert not alive(mark), layout
        if how == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            assert (await task).status == ("timed_out" if how == "timeout" else "cancelled"), layout
        assert not alive(mark), layout

    await asyncio.gather(*(end(number, layout) for number, layout in enumerate(LAYOUTS)))


@pytest.mark.parametrize("rule", [NO_KILL, ONLY_A_SHELL])
@pytest.mark.parametrize("how", ["timeout", "kill"])
async def test_where_it_is_not_allowed_it_is_said_to_be_running_on(
    sudo_host: Host, sudo_user: SudoUser, marks: list[str], how: str, rule: str
) -> None:
    sudo_user.may(rule)
    mark = new_mark(marks)
    task = await begun(sudo_host, "one", STUBBORN_CHILD, mark)
    if how == "timeout":
        time_out(sudo_host, "one")
    else:
        with pytest.raises(HostUnreachable, match="still runs on the host"):
            await sudo_host.kill("one")
    result = await task
    assert result.status == "unknown"
    assert "still runs on the host" in result.detail
    assert alive(mark)
    kill_with(mark)
    await gone(sudo_host, "one")
    again = await sudo_host.run("one", STUBBORN_CHILD, may_have_started=True)
    assert again.status == ("timed_out" if how == "timeout" else "cancelled")


async def gone(host: Host, attempt_id: str) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                return await host.kill(attempt_id)
            except HostUnreachable:
                continue


async def test_it_can_be_told_again_once_it_is_allowed(sudo_host: Host, sudo_user: SudoUser, marks: list[str]) -> None:
    sudo_user.may(NO_KILL)
    mark = new_mark(marks)
    task = await begun(sudo_host, "one", STUBBORN_CHILD, mark)
    time_out(sudo_host, "one")
    assert (await task).status == "unknown"
    sudo_user.may(ANYTHING)
    await sudo_host.kill("one")
    assert not alive(mark)
    assert (await sudo_host.run("one", STUBBORN_CHILD, may_have_started=True)).status == "timed_out"


@pytest.mark.parametrize("rule", [ANYTHING, NO_KILL])
async def test_processes_that_cannot_be_seen_are_not_taken_for_gone(
    hiding_host: Host, sudo_user: SudoUser, marks: list[str], rule: str
) -> None:
    sudo_user.may(rule)
    mark = new_mark(marks)
    task = await begun(hiding_host, "one", STUBBORN_CHILD, mark)
    time_out(hiding_host, "one")
    result = await task
    if rule == ANYTHING:
        assert result.status == "timed_out"
        assert not alive(mark)
        return
    assert result.status == "unknown"
    assert alive(mark)
    with pytest.raises(HostUnreachable):
        await hiding_host.kill("one")
    kill_with(mark)
    await gone(hiding_host, "one")


@pytest.mark.parametrize("rule", [ANYTHING, NO_KILL])
async def test_a_killed_supervisors_command_is_ended_or_said_to_run(
    sudo_host: Host, sudo_user: SudoUser, marks: list[str], rule: str
) -> None:
    sudo_user.may(rule)
    mark = new_mark(marks)
    task = await begun(sudo_host, "one", STUBBORN_CHILD, mark)
    supervisor(sudo_host, "one").kill()
    result = await task
    assert result.status == "unknown"
    if rule == ANYTHING:
        await sudo_host.kill("one")
        assert not alive(mark)
        return
    with pytest.raises(HostUnreachable):
        await sudo_host.kill("one")
    # The shell that led the group is dead by now, and what it left has not become invisible by that.
    with pytest.raises(HostUnreachable):
        await sudo_host.kill("one")
    kill_with(mark)
    await sudo_host.kill("one")


async def test_a_neighbour_lives_on(sudo_host: Host, sudo_user: SudoUser, marks: list[str]) -> None:
    sudo_user.may(ANYTHING)
    mine, other = new_mark(marks), new_mark(marks)
    await begun(sudo_host, "other", STUBBORN_CHILD, other)
    task = await begun(sudo_host, "mine", STUBBORN_CHILD, mine)
    await sudo_host.kill("mine")
    assert (await task).status == "cancelled"
    assert alive(other)
    await sudo_host.kill("other")
    assert not alive(other)


async def test_a_process_id_that_is_somebody_elses_by_now_is_let_alone(
    sudo_host: Host, sudo_user: SudoUser, marks: list[str]
) -> None:
    sudo_user.may(ANYTHING)
    mark, elses = new_mark(marks), new_mark(marks)
    task = await begun(sudo_host, "one", STUBBORN_CHILD, mark)
    somebody = await asyncio.create_subprocess_exec(*SLEEPS, elses, start_new_session=True)
    (sudo_host.folder("one") / "group").write_text(f"{somebody.pid} 1\n")
    supervisor(sudo_host, "one").kill()
    await task
    kill_with(mark)
    await sudo_host.kill("one")
    assert somebody.returncode is None
    assert alive(elses)
