"""The embedded parts: what `handrail up` runs, and how it knows that each is really ready."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commands.api.client import Api
from commands.context import ROOT
from commands.local.children import Child, IsReady
from process.private import UMASK
from settings import Settings
from settings_checks import NO_UI

if TYPE_CHECKING:
    from commands.local.temporal_watch import TemporalWatch

CLI = str(ROOT / "cli.py")
LAB_GRACE = 30.0
LARGEST_LOG = 20_000_000


class Embedded:
    """Builds the children from the settings. `headless`: Temporal without its Web UI."""

    def __init__(self, settings: Settings, *, headless: bool) -> None:
        self.settings, self.headless = settings, headless
        self.lab = settings.home / "lab"
        self._environment = {"HANDRAIL_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
        if headless and self.runs_temporal and not settings.temporal_ui_url:
            self._environment["HANDRAIL_TEMPORAL_UI_URL"] = NO_UI  # nobody is sent to where nothing listens
        self._watch: TemporalWatch | None = None

    @property
    def runs_temporal(self) -> bool:
        return self.settings.temporal_address is None

    def temporal(self) -> Child:
        from temporal_client import ServerPorts, dev_server_command  # takes a while; the lab starts in the meantime

        settings = self.settings
        ports = ServerPorts(
            grpc=settings.temporal_port,
            http=settings.temporal_http_port,
            metrics=settings.temporal_metrics_port,
            ui=None if self.headless else settings.temporal_ui_port,
        )
        codec = f"{settings.resolved_api_url()}/api/v1/codec"
        command = dev_server_command(settings.home / "temporal.db", ports, settings.temporal_namespace, codec)
        return self._child("temporal", command, self._temporal_problem, umask=UMASK)

    def lab_hosts(self) -> Child:
        command = [sys.executable, "-m", "lab", "--state", str(self.lab)]
        return self._child("lab", command, self._lab_problem, grace=LAB_GRACE)

    def worker(self) -> Child:
        return self._child("worker", [sys.executable, CLI, "worker"], self._worker_problem)

    def api(self) -> Child:
        return self._child("api", [sys.executable, CLI, "api"], self._api_problem, umask=UMASK)

    def _child(self, name: str, command: list[str], is_ready: IsReady, grace: float = 15.0, umask: int = -1) -> Child:
        log = self.settings.home / "logs" / f"{name}.log"
        turn_over(log)
        return Child(name, command, log, is_ready, grace=grace, environment=self._environment, umask=umask)

    async def _temporal_problem(self, _child: Child) -> str | None:
        return await self._temporal().problem()

    async def _worker_problem(self, child: Child) -> str | None:
        return await self._temporal().problem_with_worker(child.started_at)

    def _temporal(self) -> "TemporalWatch":
        from commands.local.temporal_watch import TemporalWatch
        from db.cipher import Cipher

        if self._watch is None:
            settings = self.settings
            cipher = Cipher(settings.cipher_keys())
            self._watch = TemporalWatch(settings.resolved_temporal_address(), settings.temporal_namespace, cipher)
        return self._watch

    async def _api_problem(self, _child: Child) -> str | None:
        token = self.settings.cli_token()
        async with Api(self.settings.resolved_api_url(), token, self.settings.tenant) as api:
            return await api.is_ready()

    async def _lab_problem(self, child: Child) -> str | None:
        is_up = "lab ready:" in child.new_log() and (self.lab / "lab.json").exists()
        return None if is_up else "its hosts do not answer yet"


def turn_over(log: Path) -> None:
    """Keep one older log beside the one that is written."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))
