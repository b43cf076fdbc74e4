"""Temporal: the client, the embedded dev server, and the names both sides agree on."""

import os
import shutil
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from db.cipher import Cipher
from payload_codec import sealing_converter
from workflows.names import SEARCH_ATTRIBUTES

SQLITE_PRAGMAS = ("journal_mode=wal", "synchronous=normal")  # 2.6 times the throughput of a plain file
DYNAMIC_CONFIG = (
    # 20 by default: a signal reaches the activity it releases in 28 ms, with 1000 in 10.
    "history.transferProcessorMaxPollRPS=1000",
    # The HTTP API has no login and takes posts from any web page; the server cannot be told to leave it out.
    "frontend.httpAllowedHosts=[]",
)

SETUP_TIME = timedelta(seconds=60)  # a server that was started a moment ago on a busy machine


class NotConnected(RuntimeError):
    """There is no Temporal server at the address."""


@dataclass(frozen=True)
class ServerPorts:
    """Where the embedded server listens, on 127.0.0.1. `ui`: None leaves its Web UI out."""

    grpc: int
    http: int
    metrics: int
    ui: int | None = None


def venv_program(name: str) -> str:
    """Return the path of a program that a PyPI package brought. Raises FileNotFoundError with the mend."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which(name, path=os.pathsep.join([scripts, os.environ.get("PATH", "")]))
    if found is None:
        raise FileNotFoundError(f"there is no {name!r} beside this Python: run `make setup`")
    return found


async def connect(address: str, namespace: str, cipher: Cipher, *, lazy: bool = False) -> Client:
    """Connect to a Temporal server; TLS and API keys come from Temporal's own environment (`TEMPORAL_TLS_...`).

    `cipher` seals what Temporal stores. `lazy` returns at once and connects on first use. Raises NotConnected if the
    server is not there.
    """
    profile = ClientConfig.load_client_connect_config()
    profile["target_host"] = address
    profile["namespace"] = namespace
    try:
        return await Client.connect(**profile, data_converter=sealing_converter(cipher), lazy=lazy)
    except RuntimeError as error:  # which is all that the SDK says
        raise NotConnected(str(error)) from error


def dev_server_command(database: Path, ports: ServerPorts, namespace: str, codec: str | None = None) -> list[str]:
    """Return the command that runs the embedded server on a file. Raises FileNotFoundError without the binary.

    `codec`: the address at which its Web UI has payloads opened.
    """
    binary = venv_program("temporal")
    command = [binary, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(ports.grpc)]
    command += ["--http-port", str(ports.http), "--metrics-port", str(ports.metrics)]
    command += ["--db-filename", str(database), "--namespace", namespace, "--log-level", "warn"]
    command += ["--headless"] if ports.ui is None else ["--ui-port", str(ports.ui)]
    command += ["--ui-codec-endpoint", codec] if codec and ports.ui is not None else []
    for pragma in SQLITE_PRAGMAS:
        command += ["--sqlite-pragma", pragma]
    for value in DYNAMIC_CONFIG:
        command += ["--dynamic-config-value", value]
    for name in SEARCH_ATTRIBUTES:
        command += ["--search-attribute", f"{name}=Keyword"]
    return command


async def ensure_search_attributes(client: Client) -> None:
    """Create the search attributes that are missing in the client's namespace."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=SETUP_TIME
    )
    missing = [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]
    if missing:
        await add_search_attributes(client, missing)


async def add_search_attributes(client: Client, names: Sequence[str] = SEARCH_ATTRIBUTES) -> None:
    """Create search attributes; the time-skipping test server knows no list of those that it has."""
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes=dict.fromkeys(names, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
        ),
        timeout=SETUP_TIME,
    )
