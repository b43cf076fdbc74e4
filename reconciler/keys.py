"""Which keys are needed, by rows and by workflows: before one is dropped, and after one was."""

from db.cipher import Cipher
from db.engine import Database
from db.sealed import keys_of_rows
from domain.finding import Finding, FindingKind
from domain.sealed import KeyUse
from workflows.key_watch import KeyWatch

NAMED = 5


async def key_uses(database: Database, cipher: Cipher, watch: KeyWatch, *, ended: bool) -> list[KeyUse]:
    """Return the keys of the ring in their order, then those that are missing and used.

    With `ended`, ended workflows count too, which takes a while. Raises RPCError, SQLAlchemyError.
    """
    async with database.read() as session:
        rows = await keys_of_rows(session, cipher)
    running: dict[str, int] = {}
    over: dict[str, int] = {}
    async for run in watch.runs(ended=ended):
        counted = running if run.is_running else over
        for key_id in run.key_ids:
            counted[key_id] = counted.get(key_id, 0) + 1
    used = {key_id for key_id in rows if key_id is not None} | running.keys() | over.keys()
    missing = sorted(used - set(cipher.key_ids))
    ids = [*cipher.key_ids, *missing, *([None] if None in rows else [])]
    return [
        KeyUse(
            key_id=key_id,
            place=cipher.key_ids.index(key_id) + 1 if key_id in cipher.key_ids else None,
            rows=rows.get(key_id, []),
            running=running.get(key_id or "", 0),
            ended=over.get(key_id or "", 0),
        )
        for key_id in ids
    ]


async def find_missing_keys(database: Database, cipher: Cipher, watch: KeyWatch) -> list[Finding]:
    """Return a finding for each key that something needs and that is not there. Raises RPCError, SQLAlchemyError."""
    uses = await key_uses(database, cipher, watch, ended=False)
    return [_missing(use) for use in uses if use.is_missing and use.is_needed]


def _missing(use: KeyUse) -> Finding:
    needs = [*use.rows[:NAMED], *([f"{len(use.rows) - NAMED} more"] if len(use.rows) > NAMED else [])]
    needs += [f"{use.running} running {'ticket' if use.running == 1 else 'tickets'}"] if use.running else []
    return Finding(
        kind=FindingKind.KEY_MISSING,
        what=f"key {use.key_id or 'of another name'} is needed and not in HANDRAIL_SECRET_KEYS: {', '.join(needs)}",
        mend="add it back at the end of HANDRAIL_SECRET_KEYS and restart API and workers; nothing is lost meanwhile",
    )
