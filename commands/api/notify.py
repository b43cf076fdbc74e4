"""`handrail notify ...`: where people are told, and of what."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.api.client import Api, part
from commands.context import context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Json, named
from commands.output import out, print_json, table, time_of

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The channel.")]
LOOKS, LOOK_SECONDS = 30, 1.0


@app.command("list")
def list_channels(context: typer.Context, as_json: Json = False) -> None:
    """List the channels, and how each fares. Their addresses are never readable again."""
    run(_list(context, as_json))


@app.command("add")
def add_channel(
    context: typer.Context,
    name: Name,
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="File with its address (- for stdin); asked for unless given.")
    ] = None,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Of what, such as approval_needed.")] = None,
    severities: Annotated[list[str] | None, typer.Option("--severity", help="Of which severity.")] = None,
    services: Annotated[list[str] | None, typer.Option("--service", help="Of which service.")] = None,
    labels: Annotated[list[str] | None, typer.Option("--label", help="NAME=VALUE that the ticket must have.")] = None,
    hours: Annotated[str | None, typer.Option("--hours", help="When: mon-fri 08:00-18:00 Europe/Berlin.")] = None,
    as_json: Json = False,
) -> None:
    """Add or replace a channel. An address of apprise is a secret: arguments would show in the process list."""
    route = {"kinds": kinds, "severities": severities, "services": services, "labels": named(labels, "--label")}
    asked = {field: value for field, value in {**route, "hours": hours}.items() if value}
    run(_add(context, name, {"url": _address(file), "routes": [asked] if asked else []}, as_json))


@app.command("test")
def try_channel(context: typer.Context, name: Name) -> None:
    """Send a test through a channel, and say how that went."""
    run(_test(context, name))


@app.command("remove")
def remove_channel(context: typer.Context, name: Name) -> None:
    """Remove a channel; what waits to be sent through it is not sent."""
    run(_remove(context, name))


def _address(file: str | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise CommandFailed(
                "the address was not given", "name a file with it: --file FILE (- for stdin)", Exit.USAGE
            )
        return str(typer.prompt("address", hide_input=True)).strip()
    try:
        return (sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"the address cannot be read from {file}: {error}", status=Exit.USAGE) from None


async def _list(context: typer.Context, as_json: bool) -> None:
    async with _api(context) as api:
        items = [item async for item in api.pages("/notification-channels/{tenant}", 100_000)]
    if as_json:
        print_json(items)
        return
    rows = [
        [one["name"], one["service"], _time(one["delivered_at"]), one["waiting"], one["last_error"]] for one in items
    ]
    out.print(table(["name", "service", "took one", "waiting", "error"], rows))


async def _add(context: typer.Context, name: str, body: dict[str, Any], as_json: bool) -> None:
    async with _api(context) as api:
        stored = await api.put(f"/notification-channels/{{tenant}}/{part(name)}", body)
    if as_json:
        print_json(stored)
    else:
        out.print(f"{name} is stored; try it: ./handrail notify test {name}", markup=False)


async def _test(context: typer.Context, name: str) -> None:
    """Look again and again until a worker has tried."""
    path = f"/notification-channels/{{tenant}}/{part(name)}"
    async with _api(context) as api:
        before = await api.post(f"{path}/test")
        for _ in range(LOOKS):
            now = await api.get(path)
            if now["delivered_at"] != before["delivered_at"]:
                out.print(f"{name} took it", markup=False)
                return
            if now["failed_at"] != before["failed_at"]:
                raise CommandFailed(f"{name} did not take it: {now['last_error']}")
            await asyncio.sleep(LOOK_SECONDS)
    raise CommandFailed("nothing has sent it yet", "start a worker, or look again: ./handrail notify list")


async def _remove(context: typer.Context, name: str) -> None:
    async with _api(context) as api:
        await api.delete(f"/notification-channels/{{tenant}}/{part(name)}")
    out.print(f"{name} is removed", markup=False)


def _time(text: str | None) -> str:
    return time_of(text) if text else ""


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
