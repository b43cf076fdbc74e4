"""A real host, OpenSSH's sshd, that a stack knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.connections.connection import Connection, CredentialKind, NewCredential
from tests.sshd import Sshd
from tests.stack import Stack


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


@pytest.fixture
async def host(stack: Stack, sshd: Sshd) -> Path:
    """The home directory of a host that the stack knows as web-01."""
    await stack.add_host(web_01(sshd), key_of(sshd))
    return sshd.home


def web_01(sshd: Sshd, **changed: object) -> Connection:
    fields = sshd.address.model_dump() | {"name": "web-01", "credential": "ops", "aliases": ["web-01.example.com"]}
    return Connection.model_validate(fields | changed)


def key_of(sshd: Sshd) -> NewCredential:
    return NewCredential(name="ops", kind=CredentialKind.SSH_KEY, private_key=sshd.secret.private_key)
