"""docker-compose.yml: it is valid, holds no secret, pins what it runs, and its workers scale."""

import re
import subprocess
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import make_url

from db.cipher import Cipher
from settings import Settings
from temporal_client import DYNAMIC_CONFIG, venv_program
from tests.deploy.compose import COMPOSE_FILE, REQUIRED, ROOT, load, run_compose
from tests.needs import need_program

SERVICES: dict[str, dict[str, Any]] = load()["services"]
ONE_SHOTS = {"temporal-schema", "temporal-namespace", "migrate"}
UI_LINK = ("temporal_ui_port", "temporal_ui_url")
SECRET_NAME = re.compile(r"PASSWORD|PWD|TOKEN|SECRET|API_KEY|KEY_DATA|DATABASE_URL")


def environment_of(service: str) -> dict[str, str | None]:
    return dict(SERVICES[service].get("environment") or {})


@pytest.mark.parametrize("profile", [None, "monitoring"])
def test_compose_accepts_the_file(tmp_path: Path, profile: str | None) -> None:
    answer = run_compose(tmp_path, REQUIRED, "config", profile=profile)
    assert answer.returncode == 0, answer.stderr
    services = YAML(typ="safe").load(answer.stdout)["services"]
    assert {"postgres", "temporal", "temporal-ui", "migrate", "api", "worker"} <= set(services)
    assert services["api"]["environment"]["HANDRAIL_API_TOKENS"] == REQUIRED["HANDRAIL_API_TOKENS"]
    assert REQUIRED["POSTGRES_PASSWORD_HANDRAIL"] in services["worker"]["environment"]["HANDRAIL_DATABASE_URL"]
    assert "HANDRAIL_API_TOKENS" not in services["worker"]["environment"]


@pytest.mark.parametrize("name", sorted(REQUIRED))
@pytest.mark.parametrize("empty", [False, True], ids=["unset", "empty"])
def test_without_a_secret_it_says_what_to_set(tmp_path: Path, name: str, empty: bool) -> None:
    given = {key: value for key, value in REQUIRED.items() if key != name} | ({name: ""} if empty else {})
    answer = run_compose(tmp_path, given, "config")
    assert answer.returncode != 0
    assert name in answer.stderr
    assert "is not set" in answer.stderr
    assert "docs/team.md" in answer.stderr


def test_the_commands_of_the_page_make_usable_secrets(tmp_path: Path) -> None:
    need_program("openssl", "openssl")
    page = (ROOT / "docs" / "team.md").read_text(encoding="utf-8")
    block = re.search(r"^    \(umask 077.*?^    EOF$", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    subprocess.run(["/bin/sh", "-euc", textwrap.dedent(block[0])], cwd=tmp_path, check=True)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    answer = run_compose(tmp_path, {}, "config")
    assert answer.returncode == 0, answer.stderr
    made = YAML(typ="safe").load(answer.stdout)["services"]["api"]["environment"]
    settings = Settings(api_tokens=made["HANDRAIL_API_TOKENS"], secret_keys=made["HANDRAIL_SECRET_KEYS"])
    assert sorted(settings.tokens().values()) == ["alex", "sam"]
    cipher = Cipher(settings.cipher_keys())
    assert cipher.open(cipher.seal({"password": "x"})) == {"password": "x"}
    assert make_url(made["HANDRAIL_DATABASE_URL"]).host == "postgres"


def test_no_secret_is_written_down() -> None:
    written = {
        f"{service}.{name}": value
        for service in SERVICES
        for name, value in environment_of(service).items()
        if SECRET_NAME.search(name) and value is not None
    }
    assert len(written) >= len(REQUIRED)
    for where, value in written.items():
        assert "${" in value, f"{where} is a literal"
        default = re.search(r"\$\{\w+:-([^}]*)\}", value)
        assert default is None or default[1] == "", f"{where} has a default"
        outside = re.sub(r"\$\{[^}]*\}", "", value)
        assert outside in ("", "postgresql+asyncpg://handrail:@postgres:5432/handrail"), f"{where} has a literal part"


@pytest.mark.parametrize("service", ["api", "worker", "migrate"])
def test_a_port_takes_its_links_along(tmp_path: Path, service: str) -> None:
    """Also where only the port is given; an address that is given wins."""
    for given, expected in (
        ({}, "http://127.0.0.1:8233"),
        ({"HANDRAIL_TEMPORAL_UI_PORT": "9233"}, "http://127.0.0.1:9233"),
        ({"HANDRAIL_TEMPORAL_UI_PORT": "9233", "HANDRAIL_TEMPORAL_UI_URL": "https://t.example"}, "https://t.example"),
    ):
        made = configured(tmp_path, **given)
        environment = made[service]["environment"]
        settings = Settings(**{name: environment[f"HANDRAIL_{name.upper()}"] for name in UI_LINK})
        assert settings.resolved_temporal_ui_url() == expected
        assert given.get("HANDRAIL_TEMPORAL_UI_PORT", "8233") in str(made["temporal-ui"]["ports"])


def test_temporals_ui_asks_where_the_api_is() -> None:
    """As written: the older docker-compose, which may run these tests, knows no variable within a variable."""
    environment, published = environment_of("temporal-ui"), "127.0.0.1:${HANDRAIL_PORT:-8080}"
    assert environment["TEMPORAL_CODEC_ENDPOINT"] == f"${{TEMPORAL_CODEC_ENDPOINT:-http://{published}/api/v1/codec}}"
    assert environment["TEMPORAL_CODEC_INCLUDE_CREDENTIALS"] == "true"
    assert SERVICES["api"]["ports"] == [f"{published}:8080"]


@pytest.mark.parametrize("service", ["worker", "migrate"])
def test_whoever_looks_at_the_language_model_is_told_of_it(tmp_path: Path, service: str) -> None:
    """`run --rm migrate doctor` says when it is configured and not used."""
    given = {f"HANDRAIL_{name.upper()}": "1" for name in Settings.model_fields if name.startswith("llm_")}
    assert given.items() <= configured(tmp_path, **given)[service]["environment"].items()


def configured(folder: Path, **variables: str) -> dict[str, Any]:
    """Return the services as compose itself makes them of the file and these variables."""
    answer = run_compose(folder, REQUIRED | variables, "config")
    assert answer.returncode == 0, answer.stderr
    services: dict[str, Any] = YAML(typ="safe").load(answer.stdout)["services"]
    return services


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"]), f"{name} runs {service['image']}"
    ours = {service["image"] for service in SERVICES.values() if "build" in service}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert ours == {f"handrail:{version}"}


def test_temporal_is_the_version_that_the_tests_run_on() -> None:
    said = subprocess.run([venv_program("temporal"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Server (\S+), UI (\S+)\)", said)
    assert found is not None, said
    server, ui = found.groups()
    assert SERVICES["temporal"]["image"] == f"temporalio/server:{server}"
    assert SERVICES["temporal-ui"]["image"] == f"temporalio/ui:{ui}"
    for name in ("temporal-schema", "temporal-namespace"):
        assert SERVICES[name]["image"] == f"temporalio/admin-tools:{server}"


def test_workers_scale() -> None:
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["worker"])
    assert SERVICES["worker"]["command"] == ["worker"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_are_kept_small_and_alive(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service.get("user") != "root"
    assert service.get("read_only") or name == "grafana"  # its start script writes below /usr/share
    assert service["restart"] == ("on-failure" if name in ONE_SHOTS else "unless-stopped")
    assert name in {*ONE_SHOTS, "worker", "api"} or service["healthcheck"]["test"]
    assert (service.get("healthcheck") == {"disable": True}) is (name == "migrate"), "the image has its own"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}, "its log grows for ever"
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), "it may take all memory"
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), f"{name} listens for everybody on {port}"


def test_services_wait_for_what_they_need() -> None:
    for name, service in SERVICES.items():
        for other, how in (service.get("depends_on") or {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOTS else "service_healthy"
            assert how["condition"] == expected, f"{name} on {other}"
    for name in ("api", "worker"):
        assert {"postgres", "migrate", "temporal-namespace"} == set(SERVICES[name]["depends_on"])


def test_every_handrail_variable_is_a_setting() -> None:
    used = set(re.findall(r"\bHANDRAIL_[A-Z_]+\b", COMPOSE_FILE.read_text(encoding="utf-8")))
    settings = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    assert used <= settings


def test_mounted_files_exist() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [source for source, *_ in (mount.split(":") for mount in mounts) if source.startswith(".")]
    assert files
    for source in files:
        assert (ROOT / source).is_dir(), source
    named = {source for source, *_ in (mount.split(":") for mount in mounts) if not source.startswith(".")}
    assert named == set(load()["volumes"])


def test_temporal_is_tuned_as_the_embedded_one() -> None:
    configured = YAML(typ="safe").load((ROOT / "deploy/temporal/dynamic-config.yaml").read_text(encoding="utf-8"))
    assert {f"{key}={entry['value']}" for key, entries in configured.items() for entry in entries} == set(
        DYNAMIC_CONFIG
    )


def test_an_environment_file_stays_out_of_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()[1] == "*", "not a list of what may go in"
