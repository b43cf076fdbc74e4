"""Reads nginx's configuration syntax: directives, blocks, includes; wrong ones are named with file and line."""

import glob
import re
from dataclasses import dataclass
from pathlib import Path

TOKEN = re.compile(r"""(?P<comment>\#[^\n]*)|(?P<space>\s+)|(?P<mark>[{};])|(?P<word>"[^"]*"|'[^']*'|[^\s{};#]+)""")
NUMBERS = ("worker_connections",)
MANY_VALUES = ("listen", "server_name", "index", "try_files", "return", "access_log", "error_log", "user")
BLOCKS = {"events": "main", "http": "main", "server": "http", "location": "server"}
DIRECTIVES = {
    "main": {"worker_processes", "error_log", "pid", "user"},
    "events": {"worker_connections", "multi_accept"},
    "http": {"access_log", "keepalive_timeout", "sendfile", "server_tokens", "gzip"},
    "server": {"listen", "server_name", "root", "index", "ssl_certificate", "ssl_certificate_key"},
    "location": {"root", "try_files", "return"},
}


class ConfigError(Exception):
    """The configuration cannot be used; the text names what, where."""


@dataclass
class Config:
    """What the web server needs to know."""

    worker_processes: str = "1"
    worker_connections: int = 512
    keepalive_timeout: str = "75s"
    access_log: str = "var/log/nginx/access.log"
    error_log: str = "var/log/nginx/error.log"
    document_root: str = "var/www/html"
    port: int = 0
    tls_port: int = 0
    certificate: str = ""
    certificate_key: str = ""


@dataclass
class Token:
    text: str
    where: str
    mark: bool


def tokens(path: Path) -> list[Token]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f'open() "{path}" failed ({error.strerror})') from error
    found: list[Token] = []
    for match in TOKEN.finditer(text):
        if match.lastgroup in ("mark", "word"):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Token(match.group().strip("\"'"), f"{path}:{line}", match.lastgroup == "mark"))
    return found


def read_config(path: Path) -> Config:
    """Return the configuration. Raises ConfigError."""
    config = Config()
    read_file(config, path, path.parent, "main")
    return config


def read_file(config: Config, path: Path, base: Path, context: str) -> None:
    """Read one file whose directives stand in `context`; an include is relative to the main file's folder `base`."""
    contexts = [context]
    words: list[Token] = []
    for token in tokens(path):
        if not token.mark:
            words.append(token)
        elif token.text == ";":
            if not words:
                raise ConfigError(f'unexpected ";" in {token.where}')
            directive(config, words, base, contexts[-1])
            words = []
        elif token.text == "{":
            name = words[0].text if words else "{"
            if BLOCKS.get(name) != contexts[-1]:
                raise ConfigError(f'"{name}" directive is not allowed here in {token.where}')
            contexts.append(name)
            words = []
        elif words or len(contexts) == 1:
            raise ConfigError(f'unexpected "}}" in {token.where}')
        else:
            contexts.pop()
    if words or len(contexts) > 1:
        raise ConfigError(f'unexpected end of file, expecting ";" or "}}" in {path}')


def directive(config: Config, words: list[Token], base: Path, context: str) -> None:
    name, values, where = words[0].text, [word.text for word in words[1:]], words[0].where
    if name == "include" and len(values) == 1:
        files = sorted(glob.glob(str(base / values[0])))
        if not files and "*" not in values[0]:
            raise ConfigError(f'open() "{base / values[0]}" failed (No such file or directory) in {where}')
        for file in files:
            read_file(config, Path(file), base, context)
        return
    if name not in DIRECTIVES[context]:
        raise ConfigError(f'unknown directive "{name}" in {where}')
    if not values or (len(values) > 1 and name not in MANY_VALUES):
        raise ConfigError(f'invalid number of arguments in "{name}" directive in {where}')
    if name == "listen":
        listen(config, values, where)
    elif name in NUMBERS:
        if not values[0].isdecimal():
            raise ConfigError(f'invalid number "{values[0]}" in {where}')
        config.worker_connections = int(values[0])
    else:
        setting(config, name, values[0], where)


def listen(config: Config, values: list[str], where: str) -> None:
    port = values[0].rpartition(":")[2]
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f'invalid port in "{values[0]}" of the "listen" directive in {where}')
    if "ssl" in values[1:]:
        config.tls_port = int(port)
    else:
        config.port = int(port)


def setting(config: Config, name: str, value: str, where: str) -> None:
    if name == "worker_processes" and value != "auto" and not (value.isdecimal() and int(value) > 0):
        raise ConfigError(f'"worker_processes" directive invalid value "{value}" in {where}')
    if name == "keepalive_timeout" and not re.fullmatch(r"\d+(ms|s|m|h|d)?", value):
        raise ConfigError(f'"keepalive_timeout" directive invalid value in {where}')
    field = {"root": "document_root", "ssl_certificate": "certificate", "ssl_certificate_key": "certificate_key"}.get(
        name, name
    )
    if hasattr(config, field):
        setattr(config, field, value)
