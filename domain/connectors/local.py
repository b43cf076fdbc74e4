"""The host that Handrail's worker itself runs on; `integrations/local.py` runs its commands."""

from collections.abc import Mapping
from typing import Any

from domain.connectors.connector import Connector

OWN_HOST = "local"


class Local(Connector):
    name = "local"
    called = "a local connection"
    runner = "integrations.local:LocalRunner"
    test_words = "has a worker run a harmless command on its own host"
    is_own_host = True

    def words(self, values: Mapping[str, Any]) -> str:
        return "Handrail's own host"

    def lease(self, values: Mapping[str, Any]) -> str:
        return OWN_HOST
