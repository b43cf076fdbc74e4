"""The kinds of connector: each is a class in a file of its own, and is registered here."""

from domain.connectors.connector import Connector
from domain.connectors.local import Local
from domain.connectors.ssh import Ssh

CONNECTORS: dict[str, Connector] = {one.name: one for one in (Ssh(), Local())}
DEFAULT = Ssh.name
