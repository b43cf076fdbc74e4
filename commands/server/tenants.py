"""`handrail tenant ...`: straight on the database, for whoever runs the server; `handrail mode`: through the API."""

import re
from typing import Annotated, Any

import typer

from commands.api_client import Api
from commands.context import Context, context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Json
from commands.output import out, print_json
from domain.tenant import ExecutionMode, TenantSettings, Unconfirmed

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SETTINGS = "/settings/execution-mode/{tenant}"

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the tenants."""
    from commands.server.tenant_rows import list_tenants

    tenants = run(list_tenants(context_of(context).settings))
    if as_json:
        print_json(tenants)
        return
    for tenant in tenants:
        out.print(tenant)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and dashes; part of every URL.")],
    mode: Annotated[
        ExecutionMode, typer.Option("--mode", help="hil: every plan waits for a person; auto: confident ones run.")
    ] = ExecutionMode.AUTO,
) -> None:
    """Add a tenant, and say what may run for it without a person."""
    if not NAME.fullmatch(name):
        raise CommandFailed(f"{name!r} is no tenant's name", "use lower case letters, digits and dashes", Exit.USAGE)
    from commands.server.tenant_rows import add_tenant

    chosen = TenantSettings.for_new(name).model_copy(update={"mode": mode})
    if not run(add_tenant(context_of(context).settings, name, chosen)):
        raise CommandFailed(f"tenant {name} exists already")
    out.print(f"tenant {name} is added; its tickets: ./handrail --tenant {name} ticket list", soft_wrap=True)
    out.print(_in_words(name, chosen), soft_wrap=True)
    other = ExecutionMode.AUTO if mode is ExecutionMode.HIL else ExecutionMode.HIL
    out.print(f"to change that: ./handrail --tenant {name} mode {other.value}", soft_wrap=True)


def mode(
    context: typer.Context,
    new: Annotated[
        ExecutionMode | None, typer.Argument(help="hil: every plan waits for a person; auto: confident ones run.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0, max=1, help="From this confidence on auto mode runs a plan.")
    ] = None,
    unconfirmed: Annotated[
        Unconfirmed | None,
        typer.Option("--unconfirmed", help="What a runbook gets that changes a host and confirms no problem first."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show or set what may run without a person."""
    changes = {"mode": new, "confidence_threshold": threshold, "unconfirmed": unconfirmed}
    run(_mode(context_of(context), {name: value for name, value in changes.items() if value is not None}, as_json))


async def _mode(context: Context, changes: dict[str, Any], as_json: bool) -> None:
    async with Api.from_settings(context.settings, context.tenant) as api:
        current: dict[str, Any] = await api.get(SETTINGS)
        if changes:
            current = await api.post(SETTINGS, {"mode": current["mode"]} | changes)
    if as_json:
        print_json(current)
    else:
        out.print(_in_words(context.tenant, TenantSettings(**current)), soft_wrap=True)


def _in_words(tenant: str, settings: TenantSettings) -> str:
    if settings.mode is ExecutionMode.HIL:
        return f"{tenant}: hil: every plan waits for approval"
    words = f"plans with a confidence of {settings.confidence_threshold} or more run at once, the rest wait"
    if settings.unconfirmed is Unconfirmed.ASK:
        words += ", as do those that change a host and confirm no problem first"
    return f"{tenant}: auto: {words}"
