"""`handrail ticket ...`: file, look at and follow tickets."""

import sys
from typing import Annotated, Any

import typer

from commands.api import find
from commands.api.client import Api
from commands.api.decisions import app as decisions
from commands.api.describe import print_ticket, ticket_table
from commands.api.ticket_filters import takes_filters
from commands.api.watch import watch as watch_ticket
from commands.context import context_of, run
from commands.failures import CommandFailed
from commands.options import Id, Json, named
from commands.output import errors, out, print_json
from domain.executions.execution import SILENT_STEP_STATUSES
from domain.tickets.columns import ON_TERMINAL
from domain.tickets.ticket import Severity
from process.streams import write

app = typer.Typer(no_args_is_help=True)
app.registered_commands += decisions.registered_commands


@app.command("file")
def file_(
    context: typer.Context,
    title: Annotated[str, typer.Option("--title", help="What is wrong, in one line.")],
    description: Annotated[str, typer.Option("--description", "-d", help="The report; - reads it from stdin.")] = "",
    severity: Annotated[Severity, typer.Option("--severity", "-s")] = Severity.MEDIUM,
    service: Annotated[str | None, typer.Option("--service", help="The service it is about.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Such as production.")] = None,
    ci: Annotated[str | None, typer.Option("--ci", help="The host it is about: a connection's name or alias.")] = None,
    source: Annotated[str, typer.Option("--source", help="Who reports it.")] = "cli",
    external_id: Annotated[str | None, typer.Option("--external-id", help="Its id there.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", help="NAME=VALUE; repeatable.")] = None,
    metadata: Annotated[list[str] | None, typer.Option("--metadata", help="NAME=VALUE; repeatable.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """File a ticket."""
    body: dict[str, Any] = {
        "title": title,
        "description": sys.stdin.read() if description == "-" else description,
        "severity": severity.value,
        "source": source,
        "labels": named(label, "--label"),
        "metadata": named(metadata, "--metadata") | ({"ci_name": ci} if ci else {}),
    }
    given = {"service": service, "environment": environment, "external_id": external_id}
    body |= {name: value for name, value in given.items() if value is not None}
    run(_file(context, body, watch, as_json))


async def _file(context: typer.Context, body: dict[str, Any], watch: bool, as_json: bool) -> None:
    async with _api(context) as api:
        ticket = await api.post("/tickets/{tenant}/tickets", body)
        if as_json:
            print_json(ticket)
        else:
            more = f" (occurrence {ticket['occurrences']} of an open one)" if ticket["occurrences"] > 1 else ""
            out.print(f"ticket {ticket['id']}{more}", soft_wrap=True)
            out.print(f"  follow it: ./handrail ticket watch {ticket['id'][-8:]}", style="dim")
        if watch:
            raise typer.Exit(await watch_ticket(api, ticket["id"], as_json=as_json))


@app.command("list")
@takes_filters
def list_(
    context: typer.Context,
    filters: dict[str, Any],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 30,
    as_json: Json = False,
) -> None:
    """List tickets, newest first; those that wait for a person worst first, as in the inbox."""
    run(_list(context, filters, limit, as_json))


async def _list(context: typer.Context, filters: dict[str, Any], limit: int, as_json: bool) -> None:
    async with _api(context) as api:
        tickets = [ticket async for ticket in api.pages("/tickets/{tenant}/tickets", limit, **filters)]
    if as_json:
        print_json(tickets)
        return
    out.print(ticket_table(ON_TERMINAL, tickets))
    if not tickets:
        errors.print("no ticket; file one: ./handrail ticket file --title ...", style="dim")


@app.command()
def show(context: typer.Context, ticket: Id, as_json: Json = False) -> None:
    """Show a ticket: what was found, what is planned, what ran."""
    run(_show(context, ticket, as_json))


async def _show(context: typer.Context, given: str, as_json: bool) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
    if as_json:
        print_json(ticket)
    else:
        print_ticket(ticket)


@app.command()
def watch(context: typer.Context, ticket: Id, as_json: Json = False) -> None:
    """Follow a ticket live until it ends; the exit status is 0 if it is resolved then. --json: one event a line."""
    run(_watch(context, ticket, as_json))


async def _watch(context: typer.Context, given: str, as_json: bool) -> None:
    async with _api(context) as api:
        raise typer.Exit(await watch_ticket(api, await find.ticket_id(api, given), as_json=as_json))


@app.command()
def output(
    context: typer.Context,
    ticket: Id,
    step: Annotated[int, typer.Argument(min=1, help="The step's position.")],
    rollback: Annotated[bool, typer.Option("--rollback", help="What its rollback wrote instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a step of the ticket's latest execution wrote."""
    run(_output(context, ticket, step, rollback, as_json))


async def _output(context: typer.Context, given: str, step: int, rollback: bool, as_json: bool) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
        if not ticket["executions"]:
            raise CommandFailed("nothing has been executed for this ticket")
        execution = ticket["executions"][-1]["id"]
        need_begun(ticket["executions"][-1]["steps"], step, rollback)
        written = await api.get(f"/executions/{{tenant}}/{execution}/steps/{step}/output", rollback=rollback)
    if as_json:
        print_json(written)
        return
    write(written["stdout"], sys.stdout)
    write(written["stderr"], sys.stderr)
    if not written["is_complete"]:
        errors.print("this is not all: it still runs, or the rest could not be kept")


def need_begun(steps: list[dict[str, Any]], position: int, rollback: bool) -> None:
    """Raise CommandFailed for a step, or a step's rollback, that has not begun and so has written nothing."""
    for step in steps:
        of_what = step["rollback"] if rollback else step
        if step["position"] == position and of_what and of_what["status"] in SILENT_STEP_STATUSES:
            which = f"the rollback of step {position}" if rollback else f"step {position}"
            raise CommandFailed(f"{which} '{step['name']}' has not begun ({of_what['status']}), so it wrote nothing")


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
