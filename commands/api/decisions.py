"""`handrail ticket ...`: what people decide about a ticket."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from commands.api import find
from commands.api.client import Api, ApiError
from commands.api.describe import print_plan, short
from commands.api.sensitive import add_sensitive
from commands.context import context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Comment, Id, Json, named
from commands.output import errors, out, print_json
from process.streams import write

SHORTEST_DIGEST = 8
TICKET = "/tickets/{tenant}/tickets/"

app = typer.Typer()


class Found(StrEnum):
    """What a person found out about a step of which nobody knew whether it ran."""

    RAN = "ran"
    DID_NOT_RUN = "did-not-run"
    ROLL_BACK = "roll-back"


@app.command()
def approve(
    context: typer.Context,
    ticket: Id,
    digest: Annotated[
        str | None, typer.Option("--digest", help="Approve this plan and no other (8 characters or more).")
    ] = None,
    answer: Annotated[list[str] | None, typer.Option("--answer", help="NAME=VALUE, for a step that asks.")] = None,
    comment: Comment = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back on a terminal.")] = False,
    as_json: Json = False,
) -> None:
    """Approve the plan, or the step, that waits. Shows it and sends its digest."""
    run(_decide(context, ticket, "approve", digest, comment, as_json, is_sure=yes, answers=named(answer, "--answer")))


@app.command()
def reject(
    context: typer.Context,
    ticket: Id,
    digest: Annotated[str | None, typer.Option("--digest", help="Reject this plan and no other.")] = None,
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Reject the plan, or the step, that waits. A rejected plan runs nothing."""
    run(_decide(context, ticket, "reject", digest, comment, as_json, is_sure=True))


@app.command()
def requeue(context: typer.Context, ticket: Id, comment: Comment = "", as_json: Json = False) -> None:
    """Let the tickets behind this one have its hosts first, while nothing is changed; it queues and asks again."""
    run(_decide(context, ticket, "requeue", None, comment, as_json, is_sure=True))


@app.command()
def outcome(
    context: typer.Context,
    ticket: Id,
    step: Annotated[int, typer.Argument(min=1, help="The unknown step's position.")],
    found: Annotated[Found, typer.Argument(help="What you found on the host.")],
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Say what became of a step of which Handrail cannot know whether it ran."""
    run(_outcome(context, ticket, step, found, comment, as_json))


@app.command()
def cancel(
    context: typer.Context,
    ticket: Id,
    false_positive: Annotated[
        bool, typer.Option("--false-positive", help="Close it: nothing is wrong. Analysis learns from it.")
    ] = False,
    not_found: Annotated[
        bool, typer.Option("--not-found", help="Close it: its check did not find the problem on the host.")
    ] = False,
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Stop a ticket; whatever ran is rolled back."""
    closing = {name: True for name, is_so in (("false_positive", false_positive), ("not_found", not_found)) if is_so}
    run(
        _ask(
            context,
            ticket,
            "cancel",
            {"comment": comment, **closing},
            "asked to close" if closing else "asked to stop",
            as_json,
        )
    )


@app.command()
def reopen(context: typer.Context, ticket: Id, comment: Comment = "", as_json: Json = False) -> None:
    """Take a closed ticket up again as a real problem; it is matched anew."""
    run(_ask(context, ticket, "reopen", {"comment": comment}, "asked to reopen", as_json))


@app.command()
def note(context: typer.Context, ticket: Id, comment: Comment = "", as_json: Json = False) -> None:
    """Take note of a ticket that failed: it no longer waits for a person, until it fails anew."""
    if not comment.strip():
        raise CommandFailed("a note says what you know of it", "add -m COMMENT", Exit.USAGE)
    run(_note(context, ticket, comment, as_json))


@app.command()
def rollback(
    context: typer.Context,
    ticket: Id,
    execution: Annotated[str | None, typer.Option("--execution", help="Which one; the latest unless named.")] = None,
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Undo an execution that has ended."""
    body = {"comment": comment, **({"execution_id": execution} if execution else {})}
    run(_ask(context, ticket, "rollback", body, "asked to undo", as_json))


@app.command()
def execute(
    context: typer.Context,
    ticket: Id,
    runbook: Annotated[str, typer.Argument(help="The runbook's id.")],
    value: Annotated[list[str] | None, typer.Option("--input", "-i", help="NAME=VALUE; repeatable.")] = None,
    file: Annotated[
        list[str] | None, typer.Option("--input-file", help="NAME=FILE, - for stdin: for what nobody may see.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="The host's connection, if it is not clear.")] = None,
    as_json: Json = False,
) -> None:
    """Run a runbook for a ticket. The execution mode decides whether it waits for approval."""
    given, files = named(value, "--input"), named(file, "--input-file")
    run(_execute(context, ticket, runbook, given, files, target, as_json))


async def _execute(
    context: typer.Context,
    given: str,
    runbook: str,
    inputs: dict[str, str],
    files: dict[str, str],
    target: str | None,
    as_json: bool,
) -> None:
    async with _api(context) as api:
        all_inputs = await add_sensitive(api, runbook, inputs, files)
    body = {"runbook_id": runbook, "inputs": all_inputs} | ({"target": target} if target else {})
    await _ask(context, given, "execute", body, f"asked to run {runbook}", as_json)


@app.command()
def sign(
    context: typer.Context,
    ticket: Id,
    reject: Annotated[bool, typer.Option("--reject", help="A rejection instead of an approval.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="A cancel of the ticket instead of a decision.")] = False,
    false_positive: Annotated[bool, typer.Option("--false-positive", help="With --cancel: nothing is wrong.")] = False,
    digest: Annotated[str | None, typer.Option("--digest", help="Sign for this plan and no other.")] = None,
    answer: Annotated[list[str] | None, typer.Option("--answer", help="NAME=VALUE, for a step that asks.")] = None,
    comment: Comment = "",
    as_json: Json = False,
) -> None:
    """Print a signed approval of what waits, to be sent by hand with Temporal's CLI. Decides nothing by itself."""
    if reject and cancel:
        raise typer.BadParameter("give --reject or --cancel")
    if false_positive and not cancel:
        raise typer.BadParameter("--false-positive goes with --cancel")
    what = "cancel" if cancel else "reject" if reject else "approve"
    closing = {"false_positive": True} if false_positive else {}
    run(_sign(context, ticket, what, digest, {"comment": comment, **closing}, as_json, named(answer, "--answer")))


async def _sign(
    context: typer.Context,
    given: str,
    what: str,
    digest: str | None,
    said: dict[str, Any],
    as_json: bool,
    answers: dict[str, str],
) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
        if what == "cancel":
            signed = await api.post(f"{TICKET}{ticket['id']}/cancel/signed", said)
        else:
            plan = _plan_of(ticket, what, digest)
            body = {"decision": what, "plan_digest": plan["digest"], "answers": answers, **said}
            body["step"] = ticket["waits_for_step"]
            body["turn"] = plan["turn"] if body["step"] is not None else 1
            signed = await api.post(f"{TICKET}{ticket['id']}/decision/signed", body)
    if as_json:
        print_json(signed)
        return
    write(f"{signed['command']}\n", sys.stdout)  # one line, whatever the terminal's width
    errors.print("paste it where Temporal's CLI is set up; in its UI send only what follows --input", style="dim")


def _plan_of(ticket: dict[str, Any], what: str, digest: str | None) -> dict[str, Any]:
    """Return the plan to decide about. Raises CommandFailed if there is none, or not the one that is meant."""
    plan: dict[str, Any] | None = ticket["plan"]
    if plan is None:
        raise CommandFailed(f"the ticket is {ticket['status']}: there is no plan to {what}", _look(ticket))
    check_digest(ticket, digest)
    return plan


async def _decide(
    context: typer.Context,
    given: str,
    decision: str,
    digest: str | None,
    comment: str,
    as_json: bool,
    *,
    is_sure: bool,
    answers: dict[str, str] | None = None,
) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
        plan = _plan_of(ticket, decision, digest)
        step = ticket["waits_for_step"]
        if not as_json:
            print_plan(plan)
            if step is not None:
                out.print(f"Step {step} waits.", style="yellow")
        if not is_sure and digest is None and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm(f"{decision} this?", abort=True)
        body = {"decision": decision, "plan_digest": plan["digest"], "comment": comment, "step": step}
        body["turn"] = plan["turn"] if step is not None else 1
        await send(api, ticket, body | {"answers": answers or {}}, as_json)


def check_digest(ticket: dict[str, Any], digest: str | None) -> None:
    """Raises CommandFailed unless the digest, or enough of its beginning, is the ticket's plan's."""
    plan = ticket["plan"]
    if digest is None:
        return
    is_it = len(digest) >= SHORTEST_DIGEST and plan["digest"].startswith(digest.lower())
    if not is_it:
        raise CommandFailed(
            f"the ticket's plan is {short(plan['digest'])}, not {short(digest)}: nothing was decided",
            f"look at it again: {_look(ticket)}, then name --digest {short(plan['digest'])}",
        )


async def send(api: Api, ticket: dict[str, Any], body: dict[str, Any], as_json: bool) -> None:
    """Send a decision and say what became of it. Raises ApiError; a conflict's message says what the plan is now."""
    try:
        recorded = await api.post(f"{TICKET}{ticket['id']}/decision", body)
    except ApiError as error:
        if error.status_code == 409:
            error.todo = _look(ticket)
        raise
    if as_json:
        print_json(recorded)
    elif recorded.get("status") == "kept":
        errors.print(recorded["detail"], style="yellow", soft_wrap=True)
    else:
        out.print(Text.assemble(("recorded:", "green"), f" {recorded['decision']} by {recorded['actor']}"))
        out.print(f"  follow it: ./handrail ticket watch {ticket['id'][-8:]}", style="dim")


async def _outcome(context: typer.Context, given: str, step: int, found: Found, comment: str, as_json: bool) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
        if ticket["plan"] is None:
            raise CommandFailed("the ticket has no plan, so no step of it is unknown", _look(ticket))
        body = {
            "decision": "approve",
            "plan_digest": ticket["plan"]["digest"],
            "comment": comment,
            "step": step,
            "turn": ticket["plan"]["turn"],
            "outcome": found.value.replace("-", "_"),
        }
        await send(api, ticket, body, as_json)


async def _note(context: typer.Context, given: str, comment: str, as_json: bool) -> None:
    async with _api(context) as api:
        ticket = await find.ticket(api, given)
        body = {"comment": comment, "since": ticket["person_needed_since"]}
        ticket = await api.post(f"{TICKET}{ticket['id']}/note", body)
    if as_json:
        print_json(ticket)
    else:
        out.print("taken note; a new failure brings it back", soft_wrap=True)


async def _ask(context: typer.Context, given: str, what: str, body: dict[str, Any], said: str, as_json: bool) -> None:
    async with _api(context) as api:
        ticket_id = await find.ticket_id(api, given)
        ticket = await api.post(f"{TICKET}{ticket_id}/{what}", body)
    if as_json:
        print_json(ticket)
    else:
        out.print(f"{said}; follow it: ./handrail ticket watch {ticket_id[-8:]}", soft_wrap=True)


def _look(ticket: dict[str, Any]) -> str:
    return f"./handrail ticket show {ticket['id'][-8:]}"


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
