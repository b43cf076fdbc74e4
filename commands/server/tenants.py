"""`handrail tenant ...`: straight on the database, for whoever runs the server; `handrail mode`: through the API."""

import re
from inspect import Parameter
from typing import Annotated, Any

import typer

from commands.api.client import Api
from commands.context import Context, context_of, run
from commands.declared import taking
from commands.failures import CommandFailed, Exit
from commands.options import Json
from commands.output import out, print_json
from domain.tenant import MODE_SETTINGS, ExecutionMode, Setting, TenantSettings, Unconfirmed

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TOLD = {"mode", "confidence_threshold", "unconfirmed"}
"""Settings that the sentence about the mode tells; the others follow it."""
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
    mode: Annotated[ExecutionMode, typer.Option("--mode", help=MODE_SETTINGS[0].help)] = ExecutionMode.AUTO,
) -> None:
    """Add a tenant, and say what may run for it without a person."""
    if not NAME.fullmatch(name):
        raise CommandFailed(f"{name!r} is no tenant's name", "use lower case letters, digits and dashes", Exit.USAGE)
    from commands.server.tenant_rows import add_tenant

    chosen = TenantSettings.for_new(name).model_copy(update={"mode": mode})
    if not run(add_tenant(context_of(context).settings, name, chosen)):
        raise CommandFailed(f"tenant {name} exists already")
    out.print(f"tenant {name} is added; its tickets: ./handrail --tenant {name} ticket list", soft_wrap=True)
    out.print(in_words(name, chosen), soft_wrap=True)
    other = ExecutionMode.AUTO if mode is ExecutionMode.HIL else ExecutionMode.HIL
    out.print(f"to change that: ./handrail --tenant {name} mode {other.value}", soft_wrap=True)


def _parameter(one: Setting) -> Parameter:
    if one.name == "mode":
        taken: Any = typer.Argument(help=one.help)
    else:
        least, most = one.bound("ge"), one.bound("le")
        taken = typer.Option(one.option, min=least, max=most, help=one.help)
    # A duration is typed as a text; the API reads it.
    of: Any = str if one.is_duration else one.field.annotation
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[of | None, taken])


def _mode(context: typer.Context, changes: dict[str, Any], as_json: Json = False) -> None:
    """Show or set what may run without a person."""
    given = {name: value for name, value in changes.items() if value is not None}
    run(_show_or_set(context_of(context), given, as_json))


mode = taking(_mode, "changes", [_parameter(one) for one in MODE_SETTINGS])


async def _show_or_set(context: Context, changes: dict[str, Any], as_json: bool) -> None:
    async with Api.from_settings(context.settings, context.tenant) as api:
        current: dict[str, Any] = await api.get(SETTINGS)
        if changes:
            current = await api.post(SETTINGS, {"mode": current["mode"]} | changes)
    if as_json:
        print_json(current)
    else:
        out.print(in_words(context.tenant, TenantSettings(**current)), soft_wrap=True)


def in_words(tenant: str, settings: TenantSettings) -> str:
    untold = (one for one in MODE_SETTINGS if one.name not in TOLD)
    others = "".join(f"; {one.about.label}: {one.words(one.of(settings))}" for one in untold)
    if settings.mode is ExecutionMode.HIL:
        return f"{tenant}: hil: every plan waits for approval{others}"
    words = f"plans with a confidence of {settings.confidence_threshold} or more run at once, the rest wait"
    if settings.unconfirmed is Unconfirmed.ASK:
        words += ", as do those that change a host and confirm no problem first"
    return f"{tenant}: auto: {words}{others}"
