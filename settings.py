"""Every setting, from the environment (`HANDRAIL_...`). Built in entry points and passed down as values."""

import secrets
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.llm_options import LlmOptions
from integrations.places import DEFAULT_PLACES, parse_places
from settings_checks import CHECKS, NEVER_EMPTY, NO_UI, keys_in, tokens_in

OPERATOR = "operator"


class SettingsWrong(ValueError):
    """Settings make no sense: its text names each variable that is wrong, with what is wrong and what is right."""


class Settings(BaseSettings):
    """Where things are and how to reach them. `HANDRAIL_HOME` holds whatever is not configured otherwise."""

    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", extra="ignore", hide_input_in_errors=True)

    home: Path = Field(default=Path("var"), description="Directory for state: database, keys, the lab, logs.")
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port of the API and web UI.")
    temporal_address: str | None = Field(
        default=None,
        description="host:port of a Temporal server; without it, the embedded one on HANDRAIL_TEMPORAL_PORT.",
    )
    temporal_port: int = Field(default=7233, ge=1, le=65535, description="Port of the embedded Temporal.")
    temporal_ui_port: int = Field(default=8233, ge=1, le=65535, description="Port of the embedded Temporal's Web UI.")
    temporal_http_port: int = Field(
        default=7243, ge=1, le=65535, description="Port of the embedded Temporal's HTTP API, which refuses everybody."
    )
    temporal_metrics_port: int = Field(
        default=7253, ge=1, le=65535, description="Port of the embedded Temporal's metrics."
    )
    temporal_namespace: str = Field(default="default", description="Temporal namespace.")
    temporal_ui_url: str | None = Field(
        default=None, description="Where people open the Temporal Web UI, or `none`; the embedded one unless set."
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL (postgresql+asyncpg://...); SQLite under HANDRAIL_HOME unless set."
    )
    api_tokens: str | None = Field(
        default=None, description="Who may call the API: name=token, comma separated; HANDRAIL_HOME/token unless set."
    )
    secret_keys: str | None = Field(
        default=None,
        description="Fernet keys for stored credentials and for what Temporal stores, comma separated, the sealing one "
        "first; HANDRAIL_HOME/secret.key unless set.",
    )
    hosts: str | None = Field(
        default=None,
        description="Names under which the API answers, besides localhost and those of its URL; * for any.",
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses and networks of proxies whose X-Forwarded-For and -Proto count, comma separated; * for "
        "any; none unless set.",
    )
    api_url: str | None = Field(
        default=None, description="Where the CLI finds the API; host and port above unless set."
    )
    public_url: str | None = Field(
        default=None, description="Where people open the web UI: links in notices lead there; the API's unless set."
    )
    token: str | None = Field(default=None, description="The CLI's API token; HANDRAIL_HOME/token unless set.")
    tenant: str = Field(default="demo", description="The CLI's tenant.")
    llm_url: str | None = Field(
        default=None, description="Base URL of an OpenAI-compatible endpoint (.../v1); no language model unless set."
    )
    llm_model: str | None = Field(default=None, description="The model's name there.")
    llm_key: SecretStr | None = Field(
        default=None, description="The endpoint's key, or file: and the path of a file that holds it."
    )
    llm_timeout: float = Field(default=10, gt=0, le=20, description="Seconds that one question may take in all.")
    llm_tokens: int = Field(
        default=6000, ge=4000, le=200_000, description="Most tokens of one question and its answer together."
    )
    alive_file: Path | None = Field(
        default=None,
        description="File that a worker renews while Temporal and the database answer it; none unless set.",
    )
    run_places: str = Field(
        default=",".join(DEFAULT_PLACES),
        description="Where on a host records of runs may lie, the first that will do: home and directories.",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("*", mode="before")
    @classmethod
    def _makes_sense(cls, value: Any, info: ValidationInfo) -> Any:
        text = str(value or "")
        check = CHECKS.get(info.field_name or "")
        if check and (text or info.field_name in NEVER_EMPTY):
            check(text)
        return value

    @model_validator(mode="after")
    def _names_the_model(self) -> Self:
        if self.llm_url and not self.llm_model:
            raise ValueError("HANDRAIL_LLM_MODEL is not set: name the model that HANDRAIL_LLM_URL serves")
        return self

    def resolved_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.home / 'handrail.db').resolve()}"

    @property
    def spool(self) -> Path:
        """Where the API keeps deliveries while the database is away."""
        return (self.home / "spool").resolve()

    def resolved_temporal_address(self) -> str:
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    def resolved_temporal_ui_url(self) -> str:
        """Return an empty text where there is none."""
        if self.temporal_ui_url == NO_UI:
            return ""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")

    def resolved_api_url(self) -> str:
        return (self.api_url or f"http://{self.host}:{self.port}").rstrip("/")

    def resolved_public_url(self) -> str:
        return (self.public_url or self.resolved_api_url()).rstrip("/")

    def resolved_hosts(self) -> frozenset[str]:
        """Return the names and addresses, without ports, under which the API answers; `*` among them for any."""
        given = {name.strip().lower().strip("[]").removesuffix(".") for name in (self.hosts or "").split(",")}
        url = urlsplit(self.resolved_api_url()).hostname
        return frozenset({"localhost", "127.0.0.1", "::1", *given, *([url] if url else [])} - {"", "0.0.0.0", "::"})

    def llm(self) -> LlmOptions | None:
        """Return how to reach the language model; None where there is none."""
        if not self.llm_url or not self.llm_model:
            return None
        return LlmOptions(
            url=self.llm_url, model=self.llm_model, key=self.llm_key, timeout=self.llm_timeout, tokens=self.llm_tokens
        )

    def places(self) -> tuple[str, ...]:
        """Return where on a host records of runs may lie."""
        return parse_places(self.run_places)

    def cipher_keys(self) -> list[str]:
        """Return the Fernet keys; the file under HANDRAIL_HOME is made when it is first needed.

        Raises SettingsWrong.
        """
        if self.secret_keys:
            return keys_in(self.secret_keys)
        path = self.home / "secret.key"
        kept = _kept_secret(path, Fernet.generate_key().decode())
        try:
            return keys_in(kept)
        except ValueError as error:
            raise SettingsWrong(f"HANDRAIL_SECRET_KEYS is not set, and {path} {error}") from None

    def tokens(self) -> dict[str, str]:
        """Return token -> name of its owner; the file under HANDRAIL_HOME is made when it is first needed.

        Raises SettingsWrong.
        """
        return tokens_in(self.api_tokens) if self.api_tokens else {self.cli_token(): OPERATOR}

    def cli_token(self) -> str:
        """Raises SettingsWrong."""
        return self.token or _kept_secret(self.home / "token", secrets.token_urlsafe(24))


def read_settings() -> Settings:
    """Return the settings of the environment. Raises SettingsWrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsWrong("; ".join(_in_words(e["loc"], e["msg"]) for e in error.errors())) from None


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    """Return what is wrong; what pydantic says of numbers goes on with what the setting is for."""
    if not location:
        return message.removeprefix("Value error, ")
    name = str(location[0])
    if message.startswith("Value error, "):
        return f"HANDRAIL_{name.upper()} {message.removeprefix('Value error, ')}"
    return f"HANDRAIL_{name.upper()}: {message[0].lower()}{message[1:]}; it is the {_purpose(name)}"


def _purpose(name: str) -> str:
    text = Settings.model_fields[name].description or ""
    return f"{text[0].lower()}{text[1:].rstrip('.')}"


def _kept_secret(path: Path, fresh: str) -> str:
    """Return the secret in a file, which is created with `fresh`, readable by its owner only. Raises SettingsWrong."""
    try:
        return _read_or_made(path, fresh)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"HANDRAIL_HOME cannot be used: {error}; give a directory that is yours") from None


def _read_or_made(path: Path, fresh: str) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(fresh + "\n", encoding="utf-8")
        try:
            path.hardlink_to(draft)  # the first of several processes wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()
