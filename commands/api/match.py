"""`handrail match`: what any text would be matched to, and why, without filing a ticket."""

import sys
from typing import Annotated, Any

import typer

from commands.api.client import Api
from commands.api.describe import print_links, print_reasons
from commands.context import Context, context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Json, named
from commands.output import out, print_json
from domain.tickets.ticket import MAX_TITLE, Severity


def match(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What a ticket would say; - reads it from stdin.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say what spoke for and against each.")] = False,
    title: Annotated[str | None, typer.Option("--title", help="Its title; the text's first line unless given.")] = None,
    severity: Annotated[Severity, typer.Option("--severity", "-s")] = Severity.MEDIUM,
    service: Annotated[str | None, typer.Option("--service", help="The service it is about.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Such as production.")] = None,
    ci: Annotated[str | None, typer.Option("--ci", help="The host it is about.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", help="NAME=VALUE; repeatable.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=50, help="How many runbooks at most.")] = 5,
    as_json: Json = False,
) -> None:
    """Show which runbooks a text would get, and how sure; nothing is filed."""
    said = (sys.stdin.read() if text == "-" else text).strip()
    first = title or said.partition("\n")[0][:MAX_TITLE]
    if not first.strip():
        raise CommandFailed("there is nothing to match", "give a text, or --title", Exit.USAGE)
    body: dict[str, Any] = {
        "title": first,
        "description": said if said != first else "",
        "severity": severity.value,
        "labels": named(label, "--label"),
        "metadata": {"ci_name": ci} if ci else {},
        "limit": limit,
    }
    given = {"service": service, "environment": environment}
    body |= {name: value for name, value in given.items() if value is not None}
    run(_match(context_of(context), body, explain, as_json))


async def _match(context: Context, body: dict[str, Any], explain: bool, as_json: bool) -> None:
    async with Api.from_settings(context.settings, context.tenant) as api:
        found = await api.post("/match/{tenant}", body)
    if as_json:
        print_json(found)
        return
    analysis = found["analysis"]
    sure = f"{analysis['classification']} ({analysis['classification_confidence']:.2f})"
    out.print(f"{sure}; {analysis['ci']['reason']}", soft_wrap=True, markup=False)
    if explain:
        print_reasons(analysis["reasons"])
    verdict = found["verdict"]
    out.print(f"now it would {verdict['decision']}: {'; '.join(verdict['reasons'])}", soft_wrap=True, markup=False)
    if explain:
        print_links(verdict["links"])
    if not found["matched_runbooks"]:
        out.print("no runbook shares anything with it: a person would be asked to pick one")
    for one in found["matched_runbooks"]:
        line = f"{one['confidence_score']:.2f}  {one['runbook_id']} v{one['version']}  {one['title']}"
        out.print(line, soft_wrap=True, markup=False, style="bold" if explain else "")
        if explain:
            print_reasons(one["reasons"])
