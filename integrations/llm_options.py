"""How a language model is reached; apart from the asking, because every command reads the settings."""

from pydantic import SecretStr

from domain.base import Model


class LlmOptions(Model):
    """Where it is and what it may take. `key` is the key itself or `file:` and a path, read when it is needed."""

    url: str
    model: str
    key: SecretStr | None = None
    timeout: float
    tokens: int
