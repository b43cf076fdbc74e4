"""A connector that is not Handrail's: shells in a directory of this machine. All that a connector has to bring."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

from domain.connections.host import HostAddress, Secret
from domain.connectors.connector import Connector, Field, FieldKind
from integrations.local import LocalRunner
from integrations.session import Session


class Shell(Connector):
    name = "shell"
    called = "a shell connection"
    runner = "tests.shell_connector:ShellRunner"
    test_words = "starts a shell in its directory"
    has_sudo = False
    fields = (
        Field("directory", "Directory", "Where commands start.", is_needed=True, example="/srv", pattern="^/"),
        Field("level", "Level", "What commands see as LEVEL.", kind=FieldKind.NUMBER, default=1, lowest=1, highest=9),
    )

    def words(self, values: Mapping[str, Any]) -> str:
        return "level {level} in {directory}".format_map(values)

    def lease(self, values: Mapping[str, Any]) -> str:
        return f"shell:{values['directory']}"


class ShellRunner(LocalRunner):
    async def _open(
        self, address: HostAddress, secret: Secret | None, command: str, *, waits_for_input: bool = True
    ) -> Session:
        own = address.model_dump()
        there = f"cd {quote(own['directory'])} && export LEVEL={own['level']} && {command}"
        return await super()._open(address, secret, there, waits_for_input=waits_for_input)
