"""Hosts that misbehave for a while: logins refused, nonsense instead of answers, work of root's that must end."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.arena import Arena
from tests.chaos.batch import inject, spread
from tests.chaos.scenarios import CANCEL, Scenario
from tests.chaos.test_network import MOMENTS, SLOW, reached
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.logins import WAYS, forging, refused
from tests.sshd import Sshd
from tests.sudo_host import ANYTHING, SudoUser, kill_with, processes_with

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
AWAY_SECONDS = 1.5
HELD = Scenario(
    "held", commands={name: f"while [ -e hold-{name} ]; do sleep 0.05; done" for name in ("one", "two", "three")}
)
NONSENSE = {
    "words": "echo out abc def",
    "beats": "exec yes .",
    "an end": "echo end exited 0 7 7 ",
    "noise": "head -c 100000 /dev/zero",
}


@asynccontextmanager
async def speaking(sshd: Sshd, answer: str) -> AsyncIterator[None]:
    """Have the host write the supervisor's first line and then nonsense; what runs there runs on."""
    script, shell = sshd.home.with_name("forger"), sshd.shell
    script.write_text(forging(answer))
    sshd.shell = f"/bin/sh {script}"
    await asyncio.to_thread(sshd.restart)
    try:
        yield
    finally:
        sshd.shell = shell
        await asyncio.to_thread(sshd.restart)


async def test_logins_are_refused_for_a_while(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    """While a command runs, which ends during the refusals or after them."""
    faults = [(way, step, ends) for way in WAYS for step in HELD.commands for ends in ("during", "after")]

    async def refuse(fault: tuple[str, str, str]) -> Verdict:
        way, step, ends = fault
        async with Trial(arena, HELD, "sqlite", "login refused") as trial:
            held = trial.host.home / f"hold-{step}"
            held.touch()
            trial.start_worker()
            await trial.file()
            await reached(trial, (step, 0))
            trial.count_fault()
            with refused(trial.host, way):
                if ends == "during":
                    moved = held.parent.with_name("home.away") / held.name
                    (moved if moved.exists() else held).unlink()
                await asyncio.sleep(AWAY_SECONDS)
            held.unlink(missing_ok=True)
            # A command that ends while its record is away is unknown, and registers nothing.
            return await trial.finish(is_value_kept=way != "home away")

    await inject(faults if is_full else spread(faults, 2), refuse, report)


async def test_a_host_speaks_nonsense_for_a_while(arena: Arena, is_full: bool, report: list[Verdict]) -> None:
    """A person may be asked what became of a step; nothing is lost, and nothing runs twice."""
    faults = [(kind, moment) for kind in NONSENSE for moment in MOMENTS if moment[0] in ("one", "two", "three")]

    async def speak(fault: tuple[str, tuple[str, float]]) -> Verdict:
        kind, moment = fault
        async with Trial(arena, SLOW, "sqlite", "host speaks nonsense") as trial:
            trial.start_worker()
            await trial.file()
            await reached(trial, moment)
            trial.count_fault()
            async with speaking(trial.host, NONSENSE[kind]):
                await asyncio.sleep(AWAY_SECONDS)
            # A step of which a person says that it ran has registered nothing.
            return await trial.finish(is_value_kept=False)

    await inject(faults if is_full else spread(faults, 2), speak, report)


class SudoTrial(Trial):
    """On a host whose login user may use sudo; root's work there has `mark` among its arguments."""

    def __init__(self, arena: Arena, scenario: Scenario, user: SudoUser, mark: str) -> None:
        super().__init__(arena, scenario, "sqlite", "cancel of root's work")
        self.user, self.mark = user, mark

    def new_host(self) -> Sshd:
        return self.user.new_host()


@pytest.fixture
def mark() -> Iterator[str]:
    mark = f"mark-{uuid.uuid4().hex}"
    yield mark
    kill_with(mark)


LAYOUTS = {
    "child": "sudo -n sh -c 'while :; do sleep 0.1; done' MARK",
    "session of its own": "sudo -n setsid sh -c 'while :; do sleep 0.1; done' MARK & wait",
    "deaf to TERM": "sudo -n sh -c 'trap true TERM HUP INT; while :; do sleep 0.1; done' MARK",
}


async def test_a_cancel_ends_what_sudo_started(
    arena: Arena, sudo_user: SudoUser, mark: str, is_full: bool, report: list[Verdict]
) -> None:
    """The rollback begins when root's work has ended, with the worker dying meanwhile or not."""
    faults = [(kind, dies) for kind in LAYOUTS for dies in (False, True)]
    sudo_user.may(ANYTHING)

    async def cancel(fault: tuple[str, bool]) -> Verdict:
        kind, dies = fault
        own = f"{mark}-{uuid.uuid4().hex}"
        gone = f"pgrep -f '[m]{own[1:]}' >/dev/null && echo beside >> "
        commands = {"two": LAYOUTS[kind].replace("MARK", own)}
        scenario = Scenario("cancel", CANCEL.expected, CANCEL.status, CANCEL.execution_status, cancel_at="two")
        async with SudoTrial(arena, scenario, sudo_user, own) as trial:
            text = trial.scenario.runbook(trial.host.home)
            ledger = trial.host.home / "ledger"
            text = text.replace(f"echo two >> {ledger}; true", f"echo two >> {ledger}; {commands['two']}")
            text = text.replace("rollback: echo undo-two", f"rollback: {gone}{ledger}; echo undo-two")
            await trial.stack.add_runbook(text)
            trial.start_worker()
            await trial.file()
            await reached(trial, ("two", 0.3))
            trial.count_fault()
            if dies:
                trial.kill_worker()
            await trial.finish()
            if left := processes_with(own):
                trial.verdict.add("stuck", 1, f"root's work goes on: {[each.cmdline() for each in left]}")
            return trial.verdict

    await inject(faults if is_full else spread(faults, 2), cancel, report)
