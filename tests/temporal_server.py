"""The real Temporal dev server for tests: on a file and a free port, to be stopped and started again at will."""

import asyncio
import inspect
import itertools
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from temporalio.client import Client, Interceptor, OutboundInterceptor
from temporalio.service import RPCError, RPCStatusCode

from db.cipher import Cipher
from temporal_client import ServerPorts, connect, dev_server_command
from tests.ports import free_ports

NAMESPACES = 600  # made at the start, which costs nothing: one made later is not known at once
# Temporal runs a worker of its own in each namespace, for schedules and batches; for hundreds that is half a core.
NO_WORKERS_OF_ITS_OWN = ["--dynamic-config-value", "worker.perNamespaceWorkerCount=0"]
START_SECONDS = 60.0
CALL_TIME = timedelta(seconds=90)
"""The client gives a call 10 s, which is not the question in a test on a busy machine."""
CIPHER = Cipher([Fernet.generate_key().decode()])
"""The key ring of this pytest process; processes that a test starts have keys of their own."""


class Patience(Interceptor):
    """Gives the calls of a test's own client `CALL_TIME` instead of the default."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _PatientCalls(super().intercept_client(next))


class _PatientCalls(OutboundInterceptor):
    def __getattribute__(self, name: str) -> Any:
        call = super().__getattribute__(name)
        return call if name.startswith("_") or name == "next" else _patient(call)


def _patient(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def with_time(arguments: Any) -> Any:
        if getattr(arguments, "rpc_timeout", CALL_TIME) is None:
            arguments.rpc_timeout = CALL_TIME
        answer = call(arguments)
        return _once_the_namespace_is_known(call, arguments, answer) if inspect.isawaitable(answer) else answer

    return with_time


async def _once_the_namespace_is_known(call: Callable[[Any], Any], arguments: Any, answer: Awaitable[Any]) -> Any:
    """Ask again while a part of the server has not heard of the namespace, which is older than the test."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CALL_TIME.total_seconds()
    while True:
        try:
            return await answer
        except RPCError as error:
            is_unheard_of = error.status is RPCStatusCode.NOT_FOUND and str(error).startswith("Namespace")
            if not is_unheard_of or loop.time() > deadline:
                raise
        await asyncio.sleep(0.1)
        answer = call(arguments)


class TemporalServer:
    """Start it, `await` that it answers, stop it; what it knew is there again after the next start."""

    def __init__(
        self, home: Path, namespaces: int = NAMESPACES, *, codec: str | None = None, options: Sequence[str] = ()
    ) -> None:
        """`home`: a directory for its file and its log. With `codec` it has a Web UI, which uses that endpoint.

        `options`: more of the server's own.
        """
        self.home, self._codec, self._options = home, codec, options
        grpc, http, metrics, ui = free_ports(4)
        self.ports = ServerPorts(grpc=grpc, http=http, metrics=metrics, ui=ui if codec else None)
        self._names = [f"test-{number}" for number in range(namespaces)]
        self._unused = itertools.chain(self._names)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports.grpc}"

    def next_namespace(self) -> str:
        """Return a namespace that no test has used: whatever one leaves running does not meet another's worker."""
        return next(self._unused)

    def start(self) -> None:
        """Launch it and return at once; `wait` waits until it answers."""
        command = dev_server_command(self.home / "temporal.db", self.ports, self._names[0], self._codec)
        for name in self._names[1:]:
            command += ["--namespace", name]
        command += [*NO_WORKERS_OF_ITS_OWN, *self._options]
        with (self.home / "temporal.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    async def wait(self) -> None:
        """Wait until it answers. Raises AssertionError with its log if it does not."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    assert self._process is not None
                    assert self._process.poll() is None, self._log()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(self._log()) from None

    async def client(self, namespace: str, *, lazy: bool = False, cipher: Cipher = CIPHER) -> Client:
        client = await connect(self.address, namespace, cipher, lazy=lazy)
        return Client(**client.config() | {"interceptors": [Patience()]})

    def stop(self) -> None:
        """Kill it, as a crash would; the file keeps what it had written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart(self) -> None:
        self.stop()
        self.start()
        await self.wait()

    async def _answers(self) -> bool:
        try:
            client = await self.client(self._names[-1])
            await client.count_workflows("")
        except Exception:
            return False
        return True

    def _log(self) -> str:
        return (self.home / "temporal.log").read_text(errors="replace")[-4000:]
