"""The lab's hosts: made known to Handrail through the public API, and to ssh through a configuration file."""

import json
from pathlib import Path
from typing import Any

from commands.api.client import Api, ApiError
from commands.failures import CommandFailed

CREDENTIAL = "lab-key"


def read_lab(home: Path) -> list[dict[str, Any]]:
    """Return the running lab's hosts, as lab.json describes them. Raises CommandFailed."""
    path = home / "lab" / "lab.json"
    try:
        hosts: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["hosts"]
    except (OSError, ValueError, KeyError):
        raise CommandFailed(
            f"no lab runs on {path.parent}", "start one with `make up`, or set HANDRAIL_HOME to where it runs"
        ) from None
    return hosts


def private_key(hosts: list[dict[str, Any]]) -> str:
    return Path(hosts[0]["private_key_path"]).read_text(encoding="ascii")


async def register_lab(api: Api, hosts: list[dict[str, Any]]) -> None:
    """Store the lab's credential and connections; whatever is as it should be is left alone."""
    key = private_key(hosts)
    credential = {"name": CREDENTIAL, "kind": "ssh_key", "username": hosts[0]["username"], "private_key": key}
    await api.put(f"/credentials/{{tenant}}/{CREDENTIAL}", credential)
    for host in hosts:
        wanted = {
            "name": host["name"],
            "connector": "ssh",
            **{name: host[name] for name in ("host", "port", "username", "host_key", "aliases", "tags")},
            "credential": CREDENTIAL,
        }
        try:
            known = await api.get(f"/connections/{{tenant}}/{host['name']}")
        except ApiError as error:
            if error.status_code != 404:
                raise
            known = {}
        # A connection that is stored again voids the plans that wait on it; one that did not change must not.
        if any(known.get(name) != value for name, value in wanted.items()):
            await api.put(f"/connections/{{tenant}}/{host['name']}", wanted)


def write_ssh_config(home: Path, hosts: list[dict[str, Any]]) -> Path:
    """Write what `ssh -F FILE web-01` needs to log in to a lab host; returns the file."""
    folder = home / "lab"
    known_hosts, config = folder / "known_hosts", folder / "ssh_config"
    lines = [f"[{host['host']}]:{host['port']} {host['host_key']}" for host in hosts]
    known_hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    blocks = [
        f"Host {host['name']}\n"
        f"  HostName {host['host']}\n"
        f"  Port {host['port']}\n"
        f"  User {host['username']}\n"
        f'  IdentityFile "{host["private_key_path"]}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{known_hosts}"\n'
        "  RequestTTY no\n"
        for host in hosts
    ]
    config.write_text("\n".join(blocks), encoding="utf-8")
    for file in (known_hosts, config):
        file.chmod(0o600)
    return config
