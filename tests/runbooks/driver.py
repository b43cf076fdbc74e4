"""Runs a runbook without a workflow: the product's own SSH runner and supervisor, one command after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from domain.base import new_id
from domain.connections.connection import CredentialKind
from domain.connections.host import HostAddress, Secret
from domain.runbooks.inputs import bind_inputs
from domain.runbooks.runbook import Runbook, Step
from domain.runbooks.text import parse_runbook
from domain.text.patterns import compile_pattern
from integrations.connector import CommandRequest, Progress
from integrations.ssh import SshRunner
from lab.lab import LabHost
from tests.lab.support import Ran, connected

RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"


def load(runbook_id: str) -> Runbook:
    path = RUNBOOKS / f"{runbook_id}.yaml"
    runbook = parse_runbook(path.read_text(encoding="utf-8"), file=path.name)
    assert runbook.id == runbook_id
    return runbook


@dataclass(frozen=True)
class Commands:
    """Runs commands on one lab host as Handrail does."""

    host: LabHost
    runner: SshRunner

    async def run(self, text: str, variables: dict[str, str]) -> Ran:
        host = self.host
        address = HostAddress(
            name=host.name,
            connector="ssh",
            host=host.host,
            port=host.port,
            username=host.username,
            host_key=host.host_key,
        )
        secret = Secret(kind=CredentialKind.SSH_KEY, private_key=host.private_key)
        record = await self.runner.identify_record(address, secret)
        request = CommandRequest(attempt_id=new_id(), command=text, variables=variables, record=record)
        done = await self.runner.run(address, secret, request, ignore)
        assert done.status == "exited", done
        assert done.exit_status is not None
        return Ran(done.exit_status, done.stdout, done.stderr)


async def ignore(progress: Progress) -> None:
    """Output is looked at when the command has ended."""


@asynccontextmanager
async def reached(
    host: LabHost, places: tuple[str, ...] = ("home",)
) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, Commands]]:
    """Lend a connection to look at a host, and Handrail's way to run commands there, its records in these places."""
    runner = SshRunner(places=places)
    try:
        async with connected(host) as connection:
            yield connection, Commands(host, runner)
    finally:
        await runner.close()


@dataclass
class Drive:
    """One run of a runbook on one host. `log` has (what, Ran) in the order it happened."""

    runbook: Runbook
    commands: Commands
    variables: dict[str, str]
    log: list[tuple[str, Ran]] = field(default_factory=list)
    undo: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, runbook_id: str, commands: Commands, **inputs: object) -> "Drive":
        runbook = load(runbook_id)
        return cls(runbook, commands, bind_inputs(runbook.inputs, inputs))

    async def command(self, what: str, text: str) -> Ran:
        done = await self.commands.run(text, self.variables)
        self.log.append((what, done))
        return done

    async def step(self, step: Step) -> bool:
        """Run a step or check with its tries; whether it did what it expects."""
        assert step.run is not None
        for attempt in range(step.tries.attempts):
            if attempt:
                await asyncio.sleep(step.tries.every)
            done = await self.command(step.name, step.run)
            pattern = step.expect.pattern and compile_pattern(step.expect.pattern)
            if done.status in step.expect.exit_codes and (not pattern or pattern.found_in(done.out.decode())):
                if step.register_as:
                    self.variables[step.register_as] = done.out.decode().rstrip("\n")
                return True
        return False

    async def checks(self, steps: list[Step]) -> str | None:
        """Run checks until one fails; return that one's name."""
        for step in steps:
            if not await self.step(step):
                return step.name
        return None

    async def prechecks(self) -> str | None:
        return await self.checks(self.runbook.prechecks)

    async def steps(self) -> str | None:
        """Run the steps until one fails, each one's rollback noted before it starts; return the failed one's name."""
        for step in self.runbook.steps:
            if step.rollback:
                self.undo.append(step)
            if not await self.step(step):
                return step.name
        return None

    async def postchecks(self) -> str | None:
        return await self.checks(self.runbook.postchecks)

    async def rollbacks(self) -> list[str]:
        """Run every noted rollback in reverse; return the names of the steps whose rollback failed."""
        failed: list[str] = []
        while self.undo:
            step = self.undo.pop()
            assert step.rollback is not None
            if (await self.command(f"undo {step.name}", step.rollback.run)).status:
                failed.append(step.name)
        return failed

    def told(self) -> str:
        """Everything that happened, for a test that fails."""
        lines = [f"{what}: {ran.status} {ran.out.decode()!r} {ran.err.decode()!r}" for what, ran in self.log]
        return "\n".join(lines)
