"""A real PostgreSQL server in a folder of its own, on a free port; the tests' databases live and die with it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.needs import need
from tests.patience import PATIENCE
from tests.ports import free_port


class Postgres:
    """One server. Root runs it as `postgres`, since PostgreSQL refuses to be root.

    Its folder is not one of pytest's: those are closed to other users.
    """

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        found = programs[-1] if programs else shutil.which("postgres")
        need(found is not None, "no PostgreSQL server: apt-get install postgresql")
        self._bin = Path(str(found)).resolve().parent
        self._folder = Path(tempfile.mkdtemp(prefix="handrail-postgres-"))
        self._data = self._folder / "data"
        self._log = self._folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._owner:
            os.chown(self._folder, self._owner.pw_uid, self._owner.pw_gid)
        self.port = free_port()
        self._run("initdb", "-D", str(self._data), "-U", "handrail", "-A", "trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        """Start it and return once it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self.port), "-h", "127.0.0.1", "-k", ""],
                stdout=log,
                stderr=log,
                **self._as_owner(),
            )
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(
            [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        ).returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(self._log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it at once with a clean shutdown, or kill it."""
        if self._process is None:
            return
        self._process.kill() if kill else self._process.send_signal(2)  # SIGINT: fast shutdown
        self._process.wait(timeout=PATIENCE)
        self._process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self, name: str) -> str:
        """Create a database and return its SQLAlchemy URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "handrail", name)
        return f"postgresql+asyncpg://handrail@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._bin / program, *arguments], check=True, capture_output=True, **self._as_owner())

    def _as_owner(self) -> dict[str, Any]:
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid} if self._owner else {}
