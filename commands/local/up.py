"""`handrail up`: everything on this machine, until Ctrl-C; then nothing of it is left."""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO

from rich.text import Text

from commands.api.client import Api
from commands.api.runbook_files import sync
from commands.context import ROOT, shown
from commands.failures import CommandFailed, NotReachable
from commands.local.children import Child, Children
from commands.local.embedded import Embedded
from commands.local.lab_hosts import read_lab, register_lab, write_ssh_config
from commands.local.ports import Port, need_free
from commands.local.welcome import greet
from commands.output import errors, out
from commands.server.migrations import migrate_database
from lab.processes import end_lab_processes
from process.private import make_private, opener
from settings import Settings

AFTER_A_CRASH_SECONDS = 40.0
API_AWAY_SECONDS = 300.0  # longer than its slowest restart takes


async def up(settings: Settings, *, demo: bool, headless: bool) -> None:
    """Start everything, play the story unless told not to, run until SIGINT, SIGTERM or SIGHUP."""
    # What the venv brings (the `temporal` binary) is found whoever's PATH this is.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    children = Children(lambda text: errors.print(Text.assemble(("up:", "yellow"), f" {text}"), soft_wrap=True))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop, stop, children)
    with only_one(settings.home) as after_a_crash:
        await need_free(ports(settings, headless), AFTER_A_CRASH_SECONDS if after_a_crash else 0)
        running = asyncio.create_task(run_all(settings, children, demo=demo, headless=headless))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not running.done():
            out.print("\nStopping ...")
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    out.print("Stopped. Tickets and their histories are kept; `make up` brings them back.")


def ask_to_stop(stop: asyncio.Event, children: Children) -> None:
    """The first signal ends everything in order, a second one at once."""
    if stop.is_set():
        children.hurry()
    stop.set()


async def run_all(settings: Settings, children: Children, *, demo: bool, headless: bool) -> None:
    """Start all parts and stay; cancelled, end them all."""
    embedded = Embedded(settings, headless=headless)
    began = time.monotonic()
    try:
        await start_all(settings, embedded, children)
        async with Api(settings.resolved_api_url(), settings.cli_token(), settings.tenant) as api:
            hosts = read_lab(settings.home)
            config = write_ssh_config(settings.home, hosts)
            registering = patiently(lambda: register_all(api, settings))
            await step("lab hosts made known, sample runbooks synced", registering)
            out.print(
                Text.assemble(("\nHandrail is ready", "bold green"), f" after {time.monotonic() - began:.1f} s.\n")
            )
            with_ui = embedded.runs_temporal and not headless
            await patiently(lambda: greet(settings, api, hosts, config, with_ui=with_ui))
            if demo:
                from commands.local.demo import play

                try:
                    await play(api, settings)
                except CommandFailed as failure:
                    errors.print(
                        Text.assemble(("the story broke off:", "bold red"), f" {failure.message}"), soft_wrap=True
                    )
            out.print("\nRunning until Ctrl-C.")
            await asyncio.Event().wait()
    finally:
        await asyncio.shield(end_all(children, embedded))


async def start_all(settings: Settings, embedded: Embedded, children: Children) -> None:
    """Start each part as soon as what it needs is there. The first failure ends the rest and is raised as it is."""
    migrating = asyncio.to_thread(migrate_database, settings)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(started(children, embedded.lab_hosts()))
            migrated = group.create_task(step("database migrated", migrating))
            needed = [migrated]
            if embedded.runs_temporal:
                needed.append(group.create_task(started(children, await asyncio.to_thread(embedded.temporal))))
            await migrated
            group.create_task(started(children, embedded.api()))
            await asyncio.gather(*needed)
            group.create_task(started(children, embedded.worker()))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def started(children: Children, child: Child) -> None:
    await step(f"{child.name} is ready", children.start(child))


async def step(what: str, work: Awaitable[object]) -> None:
    began = time.monotonic()
    await work
    out.print(Text.assemble("  ", ("+", "green"), f" {what} ", (f"({time.monotonic() - began:.1f} s)", "dim")))


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Do it, again and again while the API is away: an API that ended is started again. Raises NotReachable at last."""
    deadline = time.monotonic() + API_AWAY_SECONDS
    is_told = False
    while True:
        try:
            await work()
            return
        except NotReachable as failure:
            if time.monotonic() > deadline:
                raise
            if not is_told:
                errors.print(
                    Text.assemble(("up:", "yellow"), f" {failure.message}; waiting until it is back"), soft_wrap=True
                )
            is_told = True
            await asyncio.sleep(0.5)


async def register_all(api: Api, settings: Settings) -> None:
    await register_lab(api, read_lab(settings.home))
    await sync(api, sorted((ROOT / "runbooks").glob("*.yaml")))


async def end_all(children: Children, embedded: Embedded) -> None:
    await children.stop()
    await asyncio.to_thread(end_lab_processes, embedded.lab)


def ports(settings: Settings, headless: bool) -> list[Port]:
    needed = [Port(settings.port, "the API and web UI", "HANDRAIL_PORT", settings.host)]
    if settings.temporal_address is None:
        needed += [
            Port(settings.temporal_port, "the embedded Temporal", "HANDRAIL_TEMPORAL_PORT"),
            Port(settings.temporal_http_port, "the embedded Temporal's HTTP API", "HANDRAIL_TEMPORAL_HTTP_PORT"),
            Port(settings.temporal_metrics_port, "the embedded Temporal's metrics", "HANDRAIL_TEMPORAL_METRICS_PORT"),
        ]
        if not headless:
            needed.append(Port(settings.temporal_ui_port, "Temporal's Web UI", "HANDRAIL_TEMPORAL_UI_PORT"))
    return needed


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[bool]:
    """Hold the state directory; yields whether the one before us was killed. Raises CommandFailed if one runs."""
    make_private(home)
    pid_file = home / "up.pid"
    lock: IO[str]
    with open(home / "up.lock", "w", encoding="ascii", opener=opener) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = pid_file.read_text(encoding="ascii").strip() if pid_file.exists() else "?"
            raise CommandFailed(
                f"Handrail already runs on {shown(home)} (process {pid})",
                f"use it as it is, stop it (kill {pid}), or give another one a HANDRAIL_HOME and ports of its own",
            ) from None
        was_killed = pid_file.exists()
        with open(pid_file, "w", encoding="ascii", opener=opener) as file:
            file.write(f"{os.getpid()}\n")
        yield was_killed
        pid_file.unlink(missing_ok=True)
