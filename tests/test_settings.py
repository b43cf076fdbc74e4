"""What the settings refuse, and what they never show."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from settings import Settings, SettingsWrong, read_settings
from tests.e2e.running import ROOT
from tests.patience import PATIENCE

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()  # the same in every worker: it names tests

URL = "https://llm.example/v1"


def test_there_is_no_language_model_by_default() -> None:
    assert Settings().llm() is None
    assert Settings.model_validate({"llm_url": "", "llm_model": ""}).llm() is None


def test_a_language_model_and_its_key() -> None:
    settings = Settings.model_validate({"llm_url": URL, "llm_model": "tiny", "llm_key": "sk-never-seen"})
    options = settings.llm()
    assert options is not None
    assert options.key is not None
    assert options.key.get_secret_value() == "sk-never-seen"
    assert "sk-never-seen" not in f"{settings!r} {options!r} {settings.model_dump()}"


@pytest.mark.parametrize(
    "url", ["llm.example", "ftp://llm.example/v1", "https://sam:secret@llm.example/v1", f"{URL}?key=secret", "http://"]
)
def test_a_url_that_is_none_or_holds_a_secret(url: str) -> None:
    with pytest.raises(ValueError, match="takes http") as raised:
        Settings(llm_url=url, llm_model="tiny").llm()
    assert "secret" not in str(raised.value)


def test_a_language_model_without_a_name() -> None:
    with pytest.raises(ValueError, match="HANDRAIL_LLM_MODEL"):
        Settings(llm_url=URL).llm()


@pytest.mark.parametrize("wrong", [{"llm_timeout": 21}, {"llm_timeout": 0}, {"llm_tokens": 100}])
def test_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="llm_"):
        Settings.model_validate(wrong)


NONSENSE = {
    "home": "/dev/null/x",
    "host": "no such host!",
    "port": "x",
    "temporal_address": "http://temporal:7233",
    "temporal_port": "99999",
    "temporal_ui_port": "8233.5",
    "temporal_http_port": "0",
    "temporal_metrics_port": "",
    "temporal_namespace": "a b",
    "temporal_ui_url": "temporal",
    "database_url": "mysql://sam:s3cret@host/name",
    "api_tokens": "s3cret",
    "secret_keys": "s3cret",
    "hosts": "http://name",
    "api_url": "http://host:port",
    "public_url": "http://host:port",
    "token": "s3cret \u00e9",
    "tenant": "../admin",
    "llm_url": "ftp://host/v1",
    "llm_model": " ",
    "llm_key": "s3cret key",
    "llm_timeout": "soon",
    "llm_tokens": "1",
    "alive_file": "/dev/null/alive",
    "run_places": "relative",
    "log_level": "x",
    "trusted_proxies": "no such proxy!",
}
COMMANDS = ["up", "api", "worker", "migrate", "doctor", "keys"]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_nonsense_is_a_line_that_names_the_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HANDRAIL_{name.upper()}", NONSENSE[name])
    command = COMMANDS[list(NONSENSE).index(name) % len(COMMANDS)]
    done = CliRunner().invoke(app, [command])
    assert (done.exit_code, done.stdout) == (2, ""), done.exception
    assert re.fullmatch(rf"error: HANDRAIL_{name.upper()}:? .*(takes|it is|makes one).*\n", done.stderr)
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "mysql+pymysql://host/name"),
        ("database_url", "postgresql://host/name"),
        ("database_url", "postgresql+asyncpg://host:port/name"),
        ("database_url", "sqlite:///x.db"),
        ("secret_keys", " , "),
        ("secret_keys", f"{KEY},abc"),
        ("home", "~nobody-of-that-name/x"),
        ("home", "x" * 300),
        ("home", ""),
        ("tenant", ""),
        ("log_level", ""),
        ("temporal_address", "temporal"),
        ("llm_timeout", "nan"),
    ],
)
def test_more_nonsense(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HANDRAIL_{name.upper()}", value)
    with pytest.raises(SettingsWrong, match=f"^HANDRAIL_{name.upper()}"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql+asyncpg:///name?host=/run/postgresql"),
        ("database_url", "postgresql+asyncpg://sam:p:/w#d@[::1]:5432/name?ssl=require"),
        ("database_url", ""),
        ("secret_keys", f"{KEY} , {KEY},"),
        ("host", "::"),
        ("hosts", "a.example, [::2],*"),
        ("temporal_address", "my-namespace.a1b2c.tmprl.cloud:7233"),
        ("temporal_address", "[::1]:7233"),
        ("llm_key", "file:/a path/key"),
        ("log_level", "debug"),
        ("home", "not/yet/there"),
    ],
)
def test_sense(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HANDRAIL_{name.upper()}", value)
    read_settings()


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_PORT", "x")
    monkeypatch.setenv("HANDRAIL_LOG_LEVEL", "x")
    with pytest.raises(SettingsWrong, match=r"HANDRAIL_PORT.*HANDRAIL_LOG_LEVEL"):
        read_settings()


@pytest.mark.parametrize("command", ["worker.py", "cli.py keys"])
def test_a_damaged_key_is_said(command: str, tmp_path: Path) -> None:
    """In the file that is made where HANDRAIL_SECRET_KEYS is not set."""
    (tmp_path / "secret.key").write_text("")
    run, kept = [sys.executable, *command.split()], {"HANDRAIL_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(run, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(r"error: HANDRAIL_SECRET_KEYS .*secret\.key holds no Fernet key; .*\n", done.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_home_that_cannot_be_made_is_said(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", "/proc/no-such-place")
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == 2, done.exception
    assert done.stderr.startswith("error: HANDRAIL_HOME cannot be used")
