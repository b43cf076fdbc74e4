"""Every command a person types. What is behind each is in commands/."""

import sys
from typing import Annotated

import typer

from commands.api import connections, notify, runbooks, sources, tickets
from commands.api.match import match
from commands.context import Commands, Context, context_of, run, say_failure
from commands.failures import CommandFailed, Exit
from commands.options import Json
from commands.output import out
from commands.server import tenants
from domain.text.signs import signs
from process.leaving import run_and_leave

app = typer.Typer(
    name="./handrail",
    cls=Commands,
    help="Handrail turns tickets into verified fixes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(
    context: typer.Context,
    tenant: Annotated[
        str | None, typer.Option("--tenant", "-t", help="Whose tickets; HANDRAIL_TENANT or demo.")
    ] = None,
) -> None:
    context.obj = Context(tenant_option=tenant)


@app.command()
def up(
    context: typer.Context,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Play the story when ready.")] = True,
    headless: Annotated[bool, typer.Option("--headless", help="Without Temporal's Web UI.")] = False,
) -> None:
    """Start everything on this machine: Temporal, worker, API and the lab; Ctrl-C ends it."""
    from commands.local.up import up as run_up

    run(run_up(context_of(context).settings, demo=demo, headless=headless))


@app.command()
def demo(
    context: typer.Context,
    approve: Annotated[bool, typer.Option("--approve", help="Play it without a person.")] = False,
) -> None:
    """Play three tickets on the lab of a running Handrail; the exit status is 0 if they end as told."""
    from commands.local.demo import demo as run_demo

    if not run(run_demo(context_of(context), approve=approve)):
        raise typer.Exit(1)


@app.command()
def api(context: typer.Context) -> None:
    """Run the API and web UI."""
    from commands.server.api_server import serve_api

    run(serve_api(context_of(context).settings))


@app.command()
def worker(context: typer.Context) -> None:
    """Run a Temporal worker; start as many as you like."""
    from commands.server.work import work

    run(work(context_of(context).settings))


@app.command()
def migrate(context: typer.Context) -> None:
    """Bring the database to the newest schema."""
    from commands.server.migrations import migrate_database

    migrate_database(context_of(context).settings)
    out.print("the database is up to date")


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """List what is stuck or inconsistent, and what to do; the exit status is 0 if there is nothing."""
    from commands.server.doctor import doctor as look

    look(context_of(context), as_json)


@app.command()
def keys(
    context: typer.Context,
    reseal: Annotated[
        bool, typer.Option("--reseal", help="First seal stored secrets anew with the first key.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what each key of HANDRAIL_SECRET_KEYS opens, and which may be dropped."""
    from commands.server.keys import keys as look

    look(context_of(context), reseal, as_json)


app.command("mode")(tenants.mode)
app.command("match")(match)
app.add_typer(tickets.app, name="ticket", help="File, follow and decide tickets.")
app.add_typer(runbooks.app, name="runbook", help="Runbooks: list, show, validate, sync.")
app.add_typer(connections.connections, name="connection", help="How hosts are reached.")
app.add_typer(connections.credentials, name="credential", help="What lets Handrail in on hosts.")
app.add_typer(sources.app, name="source", help="Who may send reports here.")
app.add_typer(notify.app, name="notify", help="Where people are told, and of what.")
app.add_typer(tenants.app, name="tenant", help="Tenants, straight on the database (for whoever runs the server).")


def typed(words: list[str]) -> None:
    """Run what was typed; it ends the process."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            say_failure(CommandFailed(f"an argument is not UTF-8: {signs(word)}"))
            sys.exit(Exit.USAGE)
    app(words, prog_name="./handrail")


if __name__ == "__main__":
    run_and_leave(lambda: typed(sys.argv[1:]))
