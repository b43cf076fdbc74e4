"""Every setting, from the environment (`HANDRAIL_...`). Built in entry points and passed down as values."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.llm_options import LlmOptions
from integrations.places import DEFAULT_PLACES, parse_places

OPERATOR = "operator"


class Settings(BaseSettings):
    """Where things are and how to reach them. `HANDRAIL_HOME` holds whatever is not configured otherwise."""

    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", extra="ignore")

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
        default=None, description="Where people open the Temporal Web UI; the embedded one unless set."
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
    api_url: str | None = Field(
        default=None, description="Where the CLI finds the API; host and port above unless set."
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

    def resolved_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.home / 'handrail.db').resolve()}"

    def resolved_temporal_address(self) -> str:
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    def resolved_temporal_ui_url(self) -> str:
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")

    def resolved_api_url(self) -> str:
        return (self.api_url or f"http://{self.host}:{self.port}").rstrip("/")

    def resolved_hosts(self) -> frozenset[str]:
        """Return the names and addresses, without ports, under which the API answers; `*` among them for any."""
        given = {name.strip().lower().strip("[]").removesuffix(".") for name in (self.hosts or "").split(",")}
        url = urlsplit(self.resolved_api_url()).hostname
        return frozenset({"localhost", "127.0.0.1", "::1", *given, *([url] if url else [])} - {"", "0.0.0.0", "::"})

    def llm(self) -> LlmOptions | None:
        """Return how to reach the language model; None where there is none. Raises ValueError."""
        if not self.llm_url:
            return None
        url = urlsplit(self.llm_url)
        if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc or url.query or url.fragment:
            raise ValueError("HANDRAIL_LLM_URL takes http(s)://host[:port]/path, without user, key or query")
        if not self.llm_model:
            raise ValueError("HANDRAIL_LLM_MODEL is not set: name the model that HANDRAIL_LLM_URL serves")
        return LlmOptions(
            url=self.llm_url, model=self.llm_model, key=self.llm_key, timeout=self.llm_timeout, tokens=self.llm_tokens
        )

    def places(self) -> tuple[str, ...]:
        """Return where on a host records of runs may lie. Raises ValueError."""
        return parse_places(self.run_places)

    def cipher_keys(self) -> list[str]:
        """Return the Fernet keys; the file under HANDRAIL_HOME is made when it is first needed."""
        if self.secret_keys:
            return [key.strip() for key in self.secret_keys.split(",") if key.strip()]
        return [_kept_secret(self.home / "secret.key", Fernet.generate_key().decode())]

    def tokens(self) -> dict[str, str]:
        """Return token -> name of its owner; the file under HANDRAIL_HOME is made when it is first needed.

        Raises ValueError for an entry that is not name=token.
        """
        if not self.api_tokens:
            return {self.cli_token(): OPERATOR}
        tokens: dict[str, str] = {}
        for entry in self.api_tokens.split(","):
            name, separator, token = entry.strip().partition("=")
            if not separator or not name or len(token) < 16:
                raise ValueError("HANDRAIL_API_TOKENS takes name=token pairs, each token of 16 characters or more")
            tokens[token] = name
        return tokens

    def cli_token(self) -> str:
        return self.token or _kept_secret(self.home / "token", secrets.token_urlsafe(24))


def _kept_secret(path: Path, fresh: str) -> str:
    """Return the secret in a file, which is created with `fresh`, readable by its owner only."""
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
