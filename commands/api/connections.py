"""`handrail connection ...` and `handrail credential ...`: how hosts are reached, and what lets Handrail in."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.api.client import Api, part
from commands.api.connector_options import takes_fields
from commands.context import context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Json
from commands.output import out, print_json, table
from domain.connections.connection import CredentialKind
from domain.connectors import CONNECTORS

connections = typer.Typer(no_args_is_help=True)
credentials = typer.Typer(no_args_is_help=True)


@connections.command("list")
def list_connections(context: typer.Context, as_json: Json = False) -> None:
    """List the connections."""
    columns = ["name", "connector", "host", "port", "username", "credential", "tags"]
    own = [name for kind in CONNECTORS.values() for name in kind.own_fields]
    run(_list(context, "/connections/{tenant}", columns, as_json, dict.fromkeys(own)))


@connections.command("add")
@takes_fields
def add_connection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The host's name, as tickets call it.")],
    fields: dict[str, Any],
    alias: Annotated[list[str] | None, typer.Option("--alias", help="Another name of it; repeatable.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Repeatable.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change it if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Add a connection."""
    said = {field: value for field, value in fields.items() if value is not None}
    body = {"name": name, **said, "aliases": alias or [], "tags": tag or []}
    run(_add(context, "/connections/{tenant}", body, replace, as_json, f"try it: ./handrail connection test {name}"))


@connections.command("remove")
def remove_connection(context: typer.Context, name: Annotated[str, typer.Argument(help="The connection.")]) -> None:
    """Remove a connection. Plans that wait and use it can no longer run; what ran keeps its record."""
    run(_remove(context, f"/connections/{{tenant}}/{part(name)}", name))


@connections.command("test")
def try_connection(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The connection.")], as_json: Json = False
) -> None:
    """Log in through a connection, from where the commands would run, and change nothing."""
    run(_test(context, name, as_json))


@connections.command("confirm")
def confirm_host_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The connection.")],
    fingerprint: Annotated[str, typer.Argument(help="SHA256:..., as `ssh-keygen -lf` prints it on the host.")],
    as_json: Json = False,
) -> None:
    """Confirm the key of a host that has none yet, if it is the one with this fingerprint."""
    run(_confirm(context, name, fingerprint, as_json))


async def _confirm(context: typer.Context, name: str, fingerprint: str, as_json: bool) -> None:
    async with _api(context) as api:
        report = await api.post(f"/connections/{{tenant}}/{part(name)}/test")
        shown = report.get("unconfirmed")
        if shown is None:
            raise CommandFailed(f"{name} shows no key that waits to be confirmed: {report['detail']}")
        if shown["fingerprint"] != fingerprint:
            raise CommandFailed(
                f"{name} shows {shown['fingerprint']}, not {fingerprint}; nothing was confirmed",
                "find out who answers there",
            )
        body = {field: shown[field] for field in ("host_key", "host", "port")}
        stored = await api.post(f"/connections/{{tenant}}/{part(name)}/host-key", body)
    if as_json:
        print_json(stored)
    else:
        words = f"{name} has the host key {fingerprint}; try it: ./handrail connection test {name}"
        out.print(words, soft_wrap=True, markup=False)


async def _test(context: typer.Context, name: str, as_json: bool) -> None:
    async with _api(context) as api:
        report = await api.post(f"/connections/{{tenant}}/{part(name)}/test")
    if as_json:
        print_json(report)
    unconfirmed = report.get("unconfirmed")
    if unconfirmed:
        raise CommandFailed(report["detail"], f"./handrail connection confirm {name} {unconfirmed['fingerprint']}")
    if not report["is_ok"]:
        raise CommandFailed(
            f"{name} does not work: {report['detail']}", "mend it with ./handrail connection add --replace"
        )
    if not as_json:
        out.print(f"{name} works: {report['detail']}", soft_wrap=True, markup=False)


@credentials.command("list")
def list_credentials(context: typer.Context, as_json: Json = False) -> None:
    """List the credentials: names and kinds; their secrets are never readable again."""
    run(_list(context, "/credentials/{tenant}", ["name", "kind", "username"], as_json))


@credentials.command("add")
def add_credential(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="How connections call it.")],
    kind: Annotated[CredentialKind, typer.Option("--kind", "-k")] = CredentialKind.SSH_KEY,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="File with the private key or password; stdin unless given.")
    ] = None,
    username: Annotated[str | None, typer.Option("--username", "-u", help="Who logs in with it.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change it if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Add a credential. The secret comes from a file or from stdin: arguments would show in the process list."""
    secret = read_secret(file, kind)
    field = "private_key" if kind is CredentialKind.SSH_KEY else "password"
    body: dict[str, Any] = {"name": name, "kind": kind.value, field: secret}
    if username is not None:
        body["username"] = username
    run(_add(context, "/credentials/{tenant}", body, replace, as_json, f"use it: connection add --credential {name}"))


@credentials.command("remove")
def remove_credential(context: typer.Context, name: Annotated[str, typer.Argument(help="The credential.")]) -> None:
    """Remove a credential, secret and all; not while a connection uses it."""
    run(_remove(context, f"/credentials/{{tenant}}/{part(name)}", name))


def read_secret(file: Path | None, kind: CredentialKind) -> str:
    """Return the secret, a password without its line end. Raises CommandFailed."""
    if file is None and sys.stdin.isatty():
        if kind is CredentialKind.PASSWORD:
            return str(typer.prompt("password", hide_input=True))
        raise CommandFailed("there is no key", "name it with --file, or pipe it in", Exit.USAGE)
    try:
        text = file.read_text(encoding="utf-8") if file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"the secret cannot be read: {error}") from None
    secret = text if kind is CredentialKind.SSH_KEY else text.rstrip("\r\n")
    if not secret.strip():
        raise CommandFailed("the secret is empty", "name its file with --file, or pipe it in", Exit.USAGE)
    return secret


async def _list(context: typer.Context, path: str, columns: list[str], as_json: bool, rare: Iterable[str] = ()) -> None:
    """Print a page's items; `rare` columns are there where an item has them."""
    async with _api(context) as api:
        items = [item async for item in api.pages(path, 100_000)]
    if as_json:
        print_json(items)
        return
    columns += [column for column in rare if any(column in item for item in items)]
    rows = [[_cell(item.get(column)) for column in columns] for item in items]
    out.print(table(columns, rows))


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


async def _add(
    context: typer.Context, path: str, body: dict[str, Any], replace: bool, as_json: bool, next_step: str
) -> None:
    async with _api(context) as api:
        stored = await (api.put(f"{path}/{part(body['name'])}", body) if replace else api.post(path, body))
    if as_json:
        print_json(stored)
    else:
        out.print(f"{body['name']} is stored; {next_step}", soft_wrap=True, markup=False)


async def _remove(context: typer.Context, path: str, name: str) -> None:
    async with _api(context) as api:
        await api.delete(path)
    out.print(f"{name} is removed", markup=False)


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
