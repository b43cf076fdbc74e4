"""A connection's test tells what sudo does on the host, where a runbook uses it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.testing import ActivityEnvironment

from activities.connections import ConnectionActivities
from db import connections, runbooks
from db.cipher import Cipher
from db.engine import Database
from domain.connections.connection import Connection, CredentialKind, NewCredential
from domain.runbooks.text import parse_runbook
from domain.signature import MessageKind
from domain.workflows.orders import ConnectionCheck
from domain.workflows.outlines import ConnectionReport
from integrations.ssh import SshRunner
from tests.migrated import migrated
from tests.sshd import Sshd
from tests.sudo_host import ANYTHING, NO_KILL, NOTHING, SudoUser

pytestmark = pytest.mark.sshd

RUNBOOK = """
id: look
title: Look at something
risk: none
steps:
  - name: look
    run: {command}
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path / 'handrail.db'}")
    yield database
    await database.close()


async def try_it(database: Database, sshd: Sshd, command: str) -> ConnectionReport:
    """Return what the test of a connection says, in a tenant that has one runbook, with this command."""
    cipher = Cipher([Fernet.generate_key().decode()])
    key = NewCredential(name="ops", kind=CredentialKind.SSH_KEY, private_key=sshd.private_key)
    fields = sshd.address.model_dump() | {"name": "web-01", "credential": "ops"}
    text = RUNBOOK.format(command=command)
    async with database.write() as session:
        await connections.save_credential(session, "demo", key, cipher, "test")
        await connections.save_connection(session, "demo", Connection.model_validate(fields), "test")
        await runbooks.save_runbook(session, "demo", parse_runbook(text), text, "test")
    runner = SshRunner()
    activities = ConnectionActivities(database, cipher, {"ssh": runner})
    check = ConnectionCheck(tenant="demo", name="web-01")
    signed = cipher.signer().sign(MessageKind.CONNECTION_CHECK, "demo", "web-01", check, message_id="1")
    try:
        report: ConnectionReport = await ActivityEnvironment().run(activities.check_connection, signed)
    finally:
        await runner.close()
    assert report.is_ok, report
    return report


@pytest.mark.parametrize(
    ("rule", "sudo", "words"),
    [
        (ANYTHING, "ends", "what it starts can be ended"),
        ("ALL=(root) NOPASSWD: /usr/bin/kill", "ends", "what it starts can be ended"),
        (NO_KILL, "works", "cannot be ended after a timeout or a cancel"),
        (NOTHING, "refused", "a password is required"),
    ],
)
async def test_it_says_whether_sudo_works_and_ends_what_it_starts(
    database: Database, sudo_user: SudoUser, rule: str, sudo: str, words: str
) -> None:
    sudo_user.may(rule)
    with sudo_user.new_host() as sshd:
        report = await try_it(database, sshd, "sudo -n systemctl status nginx")
    assert report.sudo == sudo
    assert words in report.detail


async def test_without_a_runbook_that_uses_it_sudo_is_not_tried(database: Database, sudo_user: SudoUser) -> None:
    sudo_user.may(NOTHING)
    with sudo_user.new_host() as sshd:
        report = await try_it(database, sshd, "systemctl status nginx")
    assert report.sudo is None
    assert "sudo" not in report.detail
