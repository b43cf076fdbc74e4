"""A backup put back into a cluster that has been initialised and used: all of it, or nothing."""

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg  # type: ignore[import-untyped]
import pytest

from db import tenants
from db.engine import Database
from db.migrate import migrate
from tests.deploy.compose import ROOT
from tests.deploy.test_scripts import execute, run_script, verifies
from tests.needs import need_program
from tests.postgres import Postgres

pytestmark = pytest.mark.postgres
RESTORE = ROOT / "deploy" / "backup" / "restore.sh"
OLD = {"POSTGRES_PASSWORD_HANDRAIL": "handrail-then", "POSTGRES_PASSWORD_TEMPORAL": "temporal-then"}
NOW = {
    "POSTGRES_PASSWORD": "it's $HOME `x` %s",
    "POSTGRES_PASSWORD_HANDRAIL": "handrail'now",
    "POSTGRES_PASSWORD_TEMPORAL": "temporal-now",
}


@dataclass
class Team:
    """A cluster as compose has it; its superuser is called handrail_admin."""

    server: Postgres

    @property
    def environment(self) -> dict[str, str]:
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port), "POSTGRES_USER": "handrail_admin"}

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://handrail@127.0.0.1:{self.server.port}/handrail"

    async def initialise(self) -> None:
        await execute(self.server, "handrail", "postgres", "CREATE ROLE handrail_admin SUPERUSER LOGIN")
        await execute(self.server, "handrail_admin", "postgres", "ALTER ROLE handrail RENAME TO first_admin")
        answer = run_script(ROOT / "deploy" / "postgres" / "10-databases.sh", **self.environment, **OLD)
        assert answer.returncode == 0, answer.stderr

    async def add_tenant(self, name: str) -> None:
        database = Database(self.url)
        await migrate(database)
        async with database.write() as session:
            await tenants.add_tenant(session, name)
        await database.close()

    async def tenants(self) -> list[str]:
        database = Database(self.url)
        async with database.read() as session:
            found = await tenants.list_tenants(session)
        await database.close()
        return found

    async def ask(self, database: str, sql: str) -> object:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.server.port, user="handrail_admin", database=database
        )
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def dump(self) -> str:
        """What docs/team.md says to keep."""
        program = need_program("pg_dumpall", "postgresql-client")
        answer = subprocess.run(
            [program, "-U", "handrail_admin"],
            env={"PATH": os.environ["PATH"]} | self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return answer.stdout

    def restore(self, dump: str) -> subprocess.CompletedProcess[str]:
        return run_script(RESTORE, given=dump, **self.environment, **NOW)


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    server = Postgres()
    server.start()
    team = Team(server)
    await team.initialise()
    yield team
    server.close()


async def used(team: Team) -> str:
    """Use the cluster, back it up, use it on; returns the backup."""
    await team.add_tenant("before")
    await execute(team.server, "temporal", "temporal", "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)")
    dump = team.dump()
    await team.add_tenant("after")
    await execute(team.server, "temporal", "temporal", "DROP TABLE t")
    return dump


async def test_a_backup_is_put_back(team: Team) -> None:
    answer = team.restore(await used(team))
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert await team.tenants() == ["before", "demo"]
    assert await team.ask("temporal", "SELECT count(*) FROM t") == 2
    assert await verifies(team.server, "handrail", NOW["POSTGRES_PASSWORD_HANDRAIL"])
    assert await verifies(team.server, "temporal", NOW["POSTGRES_PASSWORD_TEMPORAL"])
    assert await verifies(team.server, "handrail_admin", NOW["POSTGRES_PASSWORD"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(team.server, "temporal", "handrail", "SELECT 1")
    await team.add_tenant("next")  # its owner can go on writing, and migrating
    left = await team.ask("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE '%_aside'")
    assert left == 0


async def test_it_can_be_put_back_twice_and_after_one_that_was_killed(team: Team) -> None:
    dump = await used(team)
    assert team.restore(dump).returncode == 0
    await execute(team.server, "handrail_admin", "postgres", "ALTER DATABASE handrail RENAME TO handrail_aside")
    await execute(team.server, "handrail_admin", "postgres", "CREATE DATABASE handrail")
    answer = team.restore(dump)
    assert answer.returncode == 0, answer.stderr
    assert await team.tenants() == ["before", "demo"]


@pytest.mark.parametrize("what", ["half", "the last line", "everything", "a statement"])
async def test_a_broken_backup_changes_nothing(team: Team, what: str) -> None:
    dump = await used(team)
    broken = {
        "half": dump[: len(dump) // 2],
        "the last line": dump[: dump.rindex("-- PostgreSQL database cluster dump complete")],
        "everything": "",
        "a statement": dump.replace("CREATE TABLE public.t", "CREATE TABBLE public.t"),
    }[what]
    answer = team.restore(broken)
    assert answer.returncode != 0
    assert "nothing was restored: the databases are as they were" in answer.stderr
    assert await team.tenants() == ["after", "before", "demo"]
    assert await team.ask("temporal", "SELECT count(*) FROM pg_tables WHERE tablename = 't'") == 0


async def test_a_cluster_in_use_is_left_alone(team: Team) -> None:
    dump = await used(team)
    connection = await asyncpg.connect(host="127.0.0.1", port=team.server.port, user="temporal", database="temporal")
    answer = team.restore(dump)
    await connection.close()
    assert answer.returncode != 0
    assert "docker compose stop api worker temporal" in answer.stderr
    assert await team.tenants() == ["after", "before", "demo"]
