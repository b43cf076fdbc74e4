"""`handrail keys`: what the keys of HANDRAIL_SECRET_KEYS open, and which of them may be dropped."""

import typer

from commands.context import Context, run
from commands.failures import Exit
from commands.output import out, print_json, table
from commands.server.straight import straight_on
from db.sealed import reseal
from domain.sealed import KeyUse
from reconciler.keys import key_uses
from settings import Settings
from workflows.key_watch import KeyWatch


def keys(context: Context, with_reseal: bool, as_json: bool) -> None:
    """Print them; raises typer.Exit(1) if one is missing that something needs."""
    uses, resealed = run(_look(context.settings, with_reseal))
    if as_json:
        print_json([use.model_dump(mode="json") | {"advice": advice(use)} for use in uses])
    else:
        if with_reseal:
            out.print(f"{resealed} stored secrets were sealed anew with the first key")
        rows = [(use.key_id, use.place, len(use.rows), use.running, use.ended, advice(use)) for use in uses]
        out.print(table(["key", "place", "stored secrets", "running", "ended", ""], rows))
    if any(use.is_missing and use.is_needed for use in uses):
        raise typer.Exit(Exit.FAILED)


def advice(use: KeyUse) -> str:
    """Return what a person may do with a key."""
    if use.is_missing:
        return "is missing: add it back at the end" if use.is_needed else "is gone; those stories no longer read"
    if use.place == 1:
        return "seals"
    if use.running:
        return "needed until those tickets end"
    if use.rows:
        return "needed; ./handrail keys --reseal changes that"
    return "may be dropped; those ended stories then no longer read" if use.ended else "may be dropped"


async def _look(settings: Settings, with_reseal: bool) -> tuple[list[KeyUse], int]:
    resealed = 0
    async with straight_on(settings) as on:
        if with_reseal:
            async with on.database.write() as session:
                resealed = await reseal(session, on.cipher)
        return await key_uses(on.database, on.cipher, KeyWatch(on.client), ended=True), resealed
