"""Everything that runs of one pytest process share: a Temporal server, databases to copy, a nursery of processes."""

import asyncio
import copy
import os
import shutil
import uuid
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has no types
from cryptography.fernet import Fernet
from temporalio.client import Client

from db.cipher import Cipher
from db.engine import Database
from db.migrate import migrate
from temporal_client import ensure_search_attributes
from tests.chaos.nursery import Nursery
from tests.postgres import Postgres
from tests.temporal_server import TemporalServer

NAMESPACES = 40


class Arena:
    """`folder`: where runs have their own folders. A namespace of a clean run is used again."""

    def __init__(self, folder: Path, server: TemporalServer, nursery: Nursery, postgres: Postgres | None) -> None:
        self.folder, self.server, self.nursery, self.postgres = folder, server, nursery, postgres
        self.key = Fernet.generate_key().decode()
        self.cipher = Cipher([self.key])
        self._free = [server.next_namespace() for _ in range(NAMESPACES)]
        self._templates: dict[str, str] = {}
        self.enter_loop()

    def enter_loop(self) -> None:
        """Each test has an event loop of its own, to which locks belong."""
        self._making = asyncio.Lock()

    def on(self, postgres: Postgres) -> "Arena":
        """Return the same arena with another PostgreSQL, which may be broken at will."""
        other = copy.copy(self)
        other.postgres, other._templates = postgres, {}
        return other

    async def take_namespace(self) -> tuple[str, Client]:
        await self.server.wait()
        name = self._free.pop(0)
        client = await self.server.client(name, cipher=self.cipher)
        await ensure_search_attributes(client)
        return name, client

    def give_namespace(self, name: str) -> None:
        self._free.append(name)

    async def new_database(self, kind: str, folder: Path) -> str:
        """Return the URL of a database with the newest schema, a copy of one that was made once."""
        async with self._making:
            if kind not in self._templates:
                self._templates[kind] = await self._make_template(kind)
        if kind == "sqlite":
            shutil.copy(self._templates[kind], folder / "handrail.db")
            return f"sqlite+aiosqlite:///{folder / 'handrail.db'}"
        assert self.postgres is not None
        name = f"t{uuid.uuid4().hex}"
        async with self._making:  # PostgreSQL copies a template only while nobody is in it
            port = self.postgres.port
            admin = await asyncpg.connect(host="127.0.0.1", port=port, user="handrail", database="postgres")
            try:
                await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._templates[kind]}"')
            finally:
                await admin.close()
        return f"postgresql+asyncpg://handrail@127.0.0.1:{self.postgres.port}/{name}"

    async def _make_template(self, kind: str) -> str:
        if kind == "sqlite":
            path = self.folder / f"template-{os.getpid()}.db"
            database = Database(f"sqlite+aiosqlite:///{path}")
            name = str(path)
        else:
            assert self.postgres is not None
            name = f"template_{uuid.uuid4().hex}"
            database = Database(self.postgres.new_database(name))
        await migrate(database)
        await database.close()
        return name
