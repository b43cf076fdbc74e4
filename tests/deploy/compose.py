"""The compose file, as YAML and as docker-compose itself understands it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.needs import need_program
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"

# Recognisable values for what the file refuses to guess; none of them is a secret of anybody.
REQUIRED = {
    "POSTGRES_PASSWORD": "admin-of-test",
    "POSTGRES_PASSWORD_HANDRAIL": "handrail-of-test",
    "POSTGRES_PASSWORD_TEMPORAL": "temporal-of-test",
    "HANDRAIL_SECRET_KEYS": "keys-of-test",
    "HANDRAIL_API_TOKENS": "sam=token-of-test",
}


def load() -> dict[str, Any]:
    """Return the file with its anchors resolved and its variables as they are written."""
    loaded: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return loaded


def compose_command() -> list[str]:
    """Return `docker compose` or `docker-compose`, whichever is here; otherwise skip, in CI fail."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return [need_program("docker-compose", "docker-compose")]


def run_compose(
    folder: Path, variables: dict[str, str], *arguments: str, profile: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run compose on a copy of the file in an empty folder, so that nobody's .env is read. It needs no engine."""
    shutil.copy(COMPOSE_FILE, folder)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | variables
    chosen = ["--profile", profile] if profile else []
    return subprocess.run(
        [*compose_command(), *chosen, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
