"""The kinds of connector: what each needs of a connection, and what it can do. Its class is in `integrations/`."""

from dataclasses import dataclass
from enum import StrEnum


class Connector(StrEnum):
    SSH = "ssh"
    LOCAL = "local"

    @property
    def facts(self) -> "ConnectorFacts":
        return FACTS[self]


@dataclass(frozen=True)
class ConnectorFacts:
    """What the rest of Handrail asks of a kind of connector instead of its name.

    `called`: how messages call a connection of it. `needs`: the fields of a connection that it cannot do without.
    `has_host_key`: a host can be told from another that answers in its place, once a person confirmed its key.
    `supervises`: a command outlives a lost connection, and its record is found again. `has_sudo`: the test tries it.
    """

    called: str
    needs: tuple[str, ...] = ()
    has_host_key: bool = False
    is_own_host: bool = False
    supervises: bool = True
    has_sudo: bool = True

    @property
    def has_credential(self) -> bool:
        """Whether something has to let Handrail in."""
        return "credential" in self.needs


FACTS: dict[Connector, ConnectorFacts] = {
    Connector.SSH: ConnectorFacts("an ssh connection", needs=("host", "username", "credential"), has_host_key=True),
    Connector.LOCAL: ConnectorFacts("a local connection", is_own_host=True),
}
