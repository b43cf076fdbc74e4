"""Hosts that are reached over SSH; `integrations/ssh.py` runs their commands."""

from collections.abc import Mapping
from typing import Any

from domain.connectors.connector import Connector, Field, FieldKind


class Ssh(Connector):
    name = "ssh"
    called = "an ssh connection"
    runner = "integrations.ssh:SshRunner"
    test_words = "connects from a worker, checks the host key, logs in, and runs a harmless command"
    fields = (
        Field("host", "Address", "Address or DNS name.", is_needed=True, example="10.0.3.17"),
        Field("port", "Port", kind=FieldKind.NUMBER, default=22, lowest=1, highest=65535, short="p"),
        Field("username", "User", "Who to log in as.", is_needed=True, max_length=100, short="u"),
        Field(
            "credential",
            "Credential",
            "Name of a stored credential.",
            kind=FieldKind.CREDENTIAL,
            is_needed=True,
            short="c",
        ),
        Field(
            "host_key",
            "Host key",
            "OpenSSH public key line; without it, a test shows it to confirm.",
            kind=FieldKind.HOST_KEY,
            max_length=2000,
        ),
    )

    def words(self, values: Mapping[str, Any]) -> str:
        return "{username}@{host}:{port}".format_map(values)

    def lease(self, values: Mapping[str, Any]) -> str:
        return f"{values['host'].lower()}:{values['port']}"
