"""Connections: how a CI is reached; credentials: what one is let in with."""

import base64
import binascii
import hashlib
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from domain.base import Line, Model
from domain.connections.reachable import ConnectorName, Reachable
from domain.connectors import CONNECTORS, DEFAULT

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class Connection(Reachable):
    """How to reach one CI. `credential` is a name; `host_key` is an OpenSSH public key line (`ssh-ed25519 AAAA...`).

    Without a `host_key` nothing runs there: a test shows the host's key, for a person to confirm.
    """

    name: Name = Field(examples=["web-01"])
    connector: ConnectorName = DEFAULT
    host: str = Field(default="", max_length=253, pattern=r"^[A-Za-z0-9._:%-]*$", examples=["10.0.3.17"])
    port: int = Field(default=22, ge=1, le=65535)
    username: str | None = Field(default=None, max_length=100, examples=["handrail"])
    credential: Name | None = Field(default=None, examples=["ops-key"])
    host_key: str | None = Field(default=None, max_length=2000, examples=["ssh-ed25519 AAAAC3Nza..."])
    aliases: list[str] = Field(default_factory=list, examples=[["web-01.example.com"]])
    tags: list[str] = Field(default_factory=list, examples=[["web", "production"]])

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        """What is not said of its connector's fields is written down, so that a plan has what it runs with."""
        kind = CONNECTORS.get(str(values.get("connector", DEFAULT))) if isinstance(values, dict) else None
        defaults = {one.name: one.default for one in kind.fields if one.default is not None} if kind else {}
        return defaults | values if defaults else values

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if missing := [name for name in self.kind.needs if not getattr(self, name, None)]:
            raise ValueError(f"{self.kind.called} needs {', '.join(missing)}")
        return self


USERNAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._@\\+$-]*$"
Username = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=USERNAME_PATTERN)]
Alias = Annotated[Line, StringConstraints(min_length=1, max_length=253)]
Tag = Annotated[Line, StringConstraints(min_length=1, max_length=100)]


class NewConnection(Connection):
    """A connection as somebody gives it: whatever reads it later, as an option, a line or a name, reads this only."""

    host: str = Field(
        default="", max_length=253, pattern=r"^([A-Za-z0-9_:][A-Za-z0-9._:%-]*)?$", examples=["10.0.3.17"]
    )
    username: Username | None = Field(default=None, examples=["handrail"])
    host_key: Annotated[Line, StringConstraints(strip_whitespace=True)] | None = Field(
        default=None, max_length=2000, examples=["ssh-ed25519 AAAAC3Nza..."]
    )
    aliases: list[Alias] = Field(default_factory=list, max_length=100, examples=[["web-01.example.com"]])
    tags: list[Tag] = Field(default_factory=list, max_length=100, examples=[["web", "production"]])


def fingerprint_of(host_key: str) -> str:
    """Return a public key's fingerprint as `ssh-keygen -l` prints it, or nothing for what is no key."""
    try:
        blob = base64.b64decode(host_key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class CredentialKind(StrEnum):
    SSH_KEY = "ssh_key"
    PASSWORD = "password"


class NewCredential(Model):
    """A secret on its way in; it is encrypted before it is stored and never leaves again."""

    name: Name
    kind: CredentialKind
    username: str | None = Field(default=None, max_length=100)
    private_key: str | None = Field(default=None, max_length=20_000, repr=False)
    password: str | None = Field(default=None, max_length=1_000, repr=False)

    @model_validator(mode="after")
    def _has_its_secret(self) -> Self:
        needed = "private_key" if self.kind is CredentialKind.SSH_KEY else "password"
        if not getattr(self, needed):
            raise ValueError(f"a credential of kind {self.kind.value} needs {needed}")
        return self


class Credential(Model):
    """What may be shown of a credential: its name and kind."""

    name: Name
    kind: CredentialKind
    username: str | None = None


class HostKeyConfirmation(Model):
    """The key that a person has compared with the host's own, and the address that showed it."""

    host_key: str = Field(max_length=2_000, examples=["ssh-ed25519 AAAAC3Nza..."])
    host: str = Field(max_length=253, examples=["10.0.3.17"])
    port: int = Field(ge=1, le=65535, examples=[22])


class ShownHostKey(HostKeyConfirmation):
    """A host key to compare with what `ssh-keygen -lf` prints on the host's console."""

    kind: str = Field(examples=["ssh-ed25519"])
    fingerprint: str = Field(examples=["SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s"])


class ConnectionTested(Model):
    """Whether the connection works, and what the host says of itself or why it does not."""

    is_ok: bool
    detail: str
    unconfirmed: ShownHostKey | None = Field(
        default=None, description="What the host shows while no key of it is confirmed; nobody logged in."
    )
    sudo: str | None = Field(
        default=None,
        description="Asked where a runbook uses sudo: `ends` (it works, and ends what it started), `works`, `refused`.",
    )
