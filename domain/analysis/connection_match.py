"""From a name in a ticket to a connection: exactly or not at all."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Sequence

from domain.connections.connection import Connection

_PORT = re.compile(r"^(.+?):(\d{1,5})$")
_BRACKETED = re.compile(r"^\[([^\[\]]+)\](?::\d{1,5})?$")
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@\s]*@)?([^/?#\s]+)")


def bare_host(text: str) -> str:
    """Return a name in lower case without scheme, path, port, brackets and final dot; addresses in canonical form."""
    text = text.strip()
    if url := _URL.match(text):
        text = url[1]
    text = text.rstrip(".").lower()
    if address := ip_address(text):
        return address
    if bracketed := _BRACKETED.match(text):
        text = bracketed[1]
    elif (port := _PORT.match(text)) and ":" not in port[1]:
        text = port[1].rstrip(".")
    return ip_address(text) or text


def ip_address(text: str) -> str | None:
    """Return an IPv4 or IPv6 address in canonical form, or None for any other text."""
    if ":" not in text and not text[:1].isdigit():
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


class ConnectionIndex:
    """Known names of connections: name, aliases and host. The nearest kind of equality wins, a part never counts."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._with_port: dict[str, set[str]] = defaultdict(set)
        self._names: dict[str, set[str]] = defaultdict(set)
        self._hosts: dict[str, set[str]] = defaultdict(set)
        self._short: dict[str, set[str]] = defaultdict(set)
        self._full: dict[str, set[str]] = defaultdict(set)
        for connection in connections:
            self._add(connection)

    def find(self, text: str) -> list[str]:
        """Return the names of the connections that a text means, sorted; several when it fits several equally well."""
        written = text.strip().lower().rstrip(".")
        bare = bare_host(text)
        for names in (self._with_port.get(written), self._names.get(written), self._names.get(bare)):
            if names:
                return sorted(names)
        if names := self._hosts.get(bare):
            return sorted(names)
        return [] if not bare or ip_address(bare) else sorted(self._without_domain(bare))

    def _add(self, connection: Connection) -> None:
        name = connection.name
        for known in (name, *connection.aliases):
            self._names[known.strip().lower().rstrip(".")].add(name)
            self._names[bare_host(known)].add(name)
        if connection.host:
            self._hosts[bare_host(connection.host)].add(name)
            self._with_port[f"{connection.host.lower()}:{connection.port}"].add(name)
        for known in (name, *connection.aliases, connection.host):
            bare = bare_host(known)
            if bare and not ip_address(bare):
                self._short[bare.partition(".")[0]].add(name)
                self._full[name].add(bare)

    def _without_domain(self, bare: str) -> set[str]:
        """Compare first labels where one side has no domain; two different domains are two different hosts."""
        label, _, domain = bare.partition(".")
        found = self._short.get(label, set())
        if not domain:
            return found
        return {name for name in found if self._has_no_other_domain(name, label, bare)}

    def _has_no_other_domain(self, name: str, label: str, bare: str) -> bool:
        full = {known for known in self._full[name] if known.startswith(f"{label}.")}
        return label in self._full[name] and (not full or bare in full)
