"""`handrail doctor`: what is stuck and why, straight from the database and Temporal."""

import typer
from rich.text import Text

from commands.context import Context, run
from commands.output import out, print_json
from commands.server.straight import straight_on
from domain.finding import Finding, FindingKind
from integrations.llm import LanguageModel, LlmFailed
from reconciler.findings import find
from reconciler.keys import find_missing_keys
from reconciler.notices import find_failing
from services.spooled import find_lost, find_spooled
from settings import Settings
from workflows.key_watch import KeyWatch
from workflows.watch import WorkflowWatch


def doctor(context: Context, as_json: bool) -> None:
    """Print the findings; raises typer.Exit(1) if there are any."""
    findings = run(_find(context.settings))
    if as_json:
        print_json([finding.model_dump(mode="json") for finding in findings])
    else:
        _print(findings)
    if findings:
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    if not findings:
        out.print("nothing: no ticket is stuck, rows and Temporal agree")
    for finding in findings:
        out.print(Text.assemble((finding.kind.value, "bold"), f" {finding.what}"), soft_wrap=True)
        out.print(f"    mend: {finding.mend}", soft_wrap=True)


async def _find(settings: Settings) -> list[Finding]:
    async with straight_on(settings) as on:
        keys = await find_missing_keys(on.database, on.cipher, KeyWatch(on.client))
        stuck = await find(on.database, WorkflowWatch(on.client))
        untold = await find_failing(on.database)
        lost = await find_lost(on.database)
    spooled = await find_spooled(settings.spool)
    return [*keys, *stuck, *untold, *lost, *spooled, *await _language_model(settings)]


async def _language_model(settings: Settings) -> list[Finding]:
    """Nothing where none is configured, or where it answers from this machine."""
    try:
        if options := settings.llm():
            await LanguageModel(options).check()
    except LlmFailed as problem:
        what = f"the language model is configured and not used: {problem}"
        mend = "see HANDRAIL_LLM_URL and HANDRAIL_LLM_KEY; until then the built-in results stand"
        return [Finding(kind=FindingKind.LANGUAGE_MODEL, what=what, mend=mend)]
    return []
