"""What a setting's value may be: a check each, which raises ValueError. None says the value, which may be secret."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from integrations.places import parse_places

A_KEY = "`openssl rand -base64 32 | tr '+/' '-_'` makes one"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?"
_ADDRESS = rf"(?:{_NAME}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)"
_LISTED = re.compile(rf"\*|{_ADDRESS}|\[[0-9A-Fa-f:.]+\]|")
NO_UI = "none"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_DATABASE = (
    r"(?:sqlite\+aiosqlite:///[^?]+(?:\?.*)?"
    r"|postgresql\+asyncpg://(?:[^@]*@)?(?:\[[^]/]+\]|[^]/:?@[]*)(?::\d{1,5})?(?:[/?].*)?)"
)


def like(pattern: re.Pattern[str], right: str) -> Callable[[str], None]:
    """Return a check that all of a text matches; `right` says what does."""

    def check(text: str) -> None:
        if not pattern.fullmatch(text):
            raise ValueError(f"makes no sense; it takes {right}")

    return check


def keys_in(text: str) -> list[str]:
    """Return the Fernet keys of a list."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(f"holds no Fernet key at place {place}; {A_KEY}") from None
    if not keys:
        raise ValueError(f"holds no Fernet key; {A_KEY}")
    return keys


def tokens_in(text: str) -> dict[str, str]:
    """Return token -> name of its owner."""
    tokens: dict[str, str] = {}
    for entry in text.split(","):
        name, separator, token = entry.strip().partition("=")
        if not separator or not name or not re.fullmatch(r"[!-~]{16,}", token):
            raise ValueError("takes name=token pairs, each token of 16 or more visible ASCII characters")
        tokens[token] = name
    return tokens


def hosts_in(text: str) -> None:
    for name in text.split(","):
        if not _LISTED.fullmatch(name.strip()):
            raise ValueError("makes no sense; it takes names and addresses without ports, comma separated, or *")


def proxies_in(text: str) -> None:
    """Check what uvicorn would take for a name that nobody connects from."""
    for one in (one.strip() for one in text.split(",")):
        try:
            if one not in ("*", ""):
                ip_network(one)
        except ValueError:
            raise ValueError("makes no sense; it takes addresses and networks, comma separated, or *") from None


def is_url(text: str) -> None:
    try:
        url = urlsplit(text)
        is_one = url.scheme in ("http", "https") and url.hostname and url.port != 0 and "@" not in url.netloc
    except ValueError:  # its port is no number, its address none of IPv6
        is_one = False
    if not is_one or url.query or url.fragment or re.search(r"[^!-~]", text):
        raise ValueError("takes http(s)://host[:port]/path, without user, key or query")


def can_be_a_directory(text: str) -> None:
    """Of what is there already on the way to it, the last is one."""
    try:
        path = Path(text).expanduser().absolute() if text else None
        there = next(one for one in (path, *path.parents) if one.exists()) if path else None
    except (OSError, RuntimeError) as error:  # such as a name too long, a user whom nobody knows
        raise ValueError(f"cannot be used: {error}; it takes the path of a directory") from None
    if there is None:
        raise ValueError("is empty; it takes the path of a directory")
    if not there.is_dir():
        raise ValueError(f"leads to {there}, which is no directory; it takes the path of one")


def is_level(text: str) -> None:
    if text.upper() not in LEVELS:
        raise ValueError(f"takes one of {', '.join(LEVELS)}")


NEVER_EMPTY = frozenset({"home", "host", "temporal_namespace", "tenant", "run_places", "log_level"})

CHECKS: dict[str, Callable[[str], object]] = {
    "home": can_be_a_directory,
    "host": like(re.compile(_ADDRESS), "the name or address of this machine, such as 127.0.0.1 or 0.0.0.0"),
    "temporal_address": like(
        re.compile(rf"(?:{_NAME}|\[[0-9A-Fa-f:.]+\]):\d{{1,5}}"), "host:port, such as temporal.example:7233"
    ),
    "temporal_namespace": like(
        re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), "letters, digits, dots, dashes and underscores"
    ),
    "temporal_ui_url": lambda text: None if text == NO_UI else is_url(text),
    "database_url": like(
        re.compile(_DATABASE), "postgresql+asyncpg://user:password@host:5432/name or sqlite+aiosqlite:///FILE"
    ),
    "api_tokens": tokens_in,
    "secret_keys": keys_in,
    "hosts": hosts_in,
    "trusted_proxies": proxies_in,
    "api_url": is_url,
    "public_url": is_url,
    "token": like(re.compile(r"[!-~]+"), "visible ASCII characters"),
    "tenant": like(re.compile(r"[a-z0-9][a-z0-9-]{0,62}"), "lower case letters, digits and dashes"),
    "llm_url": is_url,
    "llm_model": like(re.compile(r"\S(?:.*\S)?"), "the name of a model"),
    "llm_key": like(re.compile(r"file:.+|[!-~]+"), "visible ASCII characters, or file: and a path"),
    "alive_file": lambda text: can_be_a_directory(str(Path(text).parent)),
    "run_places": parse_places,
    "log_level": is_level,
}
