"""Runbooks: read one, check a document, store it as a version, take it out of use."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import runbooks
from db.runbooks import StoredRunbook
from domain.runbooks.checks import warnings
from domain.runbooks.runbook import Runbook
from domain.runbooks.text import FileProblem, RunbookInvalid, parse_runbook, place_violations
from domain.text.storable import why_unstorable
from services.backends import Backends
from services.errors import FieldProblem, Invalid, NotFound, not_listed
from services.needed_changes import needed_changes
from services.reading import beside
from services.shell_syntax import check_shell
from services.waiting_plans import Later, tell_waiting, uses_runbook

log = logging.getLogger("handrail.services")


@dataclass(frozen=True)
class FoundRunbook:
    """A version of a runbook and all its versions, newest first. `needs_changes`: why no plan is made of it;
    `warnings`: what had better be otherwise."""

    stored: StoredRunbook
    versions: list[StoredRunbook]
    needs_changes: list[str]
    warnings: list[FileProblem]


@dataclass(frozen=True)
class ValidRunbook:
    """A document that could be stored. `unchecked`: why some commands were not read by `sh -n`; mostly empty."""

    runbook: Runbook
    unchecked: str
    warnings: list[FileProblem]


async def get_runbook(session: AsyncSession, tenant: str, runbook_id: str, version: int | None = None) -> FoundRunbook:
    """Return a version of a runbook, or its latest; retired ones too. Raises NotFound."""
    stored = await runbooks.get_runbook(session, tenant, runbook_id, version)
    if stored is None:
        which = f"version {version} of runbook" if version else "runbook"
        raise not_listed(tenant, "runbook", runbook_id, which=which)
    return await _found(session, tenant, stored)


async def see_that_it_exists(session: AsyncSession, tenant: str, runbook_id: str) -> None:
    """Raises NotFound."""
    if await runbooks.get_runbook(session, tenant, runbook_id) is None:
        raise not_listed(tenant, "runbook", runbook_id)


async def validate(text: bytes, runbook_id: str | None = None) -> ValidRunbook:
    """Read a document, which with an id has to be that runbook's. Raises Invalid with every error."""
    runbook, unchecked = await _read(text, runbook_id)
    return ValidRunbook(runbook, unchecked, await beside(warnings_of, runbook, text))


async def _read(text: bytes, runbook_id: str | None) -> tuple[Runbook, str]:
    runbook = await beside(read_runbook, text, runbook_id)
    found = await check_shell(runbook, text)
    if found.unchecked:
        log.warning("runbook %s is not checked: %s", runbook.id, found.unchecked)
    if found.problems:
        raise _invalid("\n".join(str(problem) for problem in found.problems), _plain(found.problems))
    return runbook, found.unchecked


async def store(
    backends: Backends, tenant: str, text: bytes, actor: str, later: Later, runbook_id: str | None = None
) -> tuple[FoundRunbook, bool]:
    """Store a document that differs from the latest version as a new one; plans that wait are made again.

    Returns it, and whether it is a new version. Raises Invalid.
    """
    runbook, _ = await _read(text, runbook_id)
    async with backends.database.write() as session:
        stored, is_new = await runbooks.save_runbook(session, tenant, runbook, text.decode("utf-8-sig"), actor)
    async with backends.database.read() as session:
        found = await _found(session, tenant, stored)
    if is_new:
        later(tell_waiting, backends, tenant, uses_runbook(runbook.id))
    return found, is_new


async def retire(backends: Backends, tenant: str, runbook_id: str, later: Later) -> None:
    """Take a runbook out of use; storing it again puts it back. Raises NotFound."""
    async with backends.database.write() as session:
        if not await runbooks.retire_runbook(session, tenant, runbook_id):
            detail = f"tenant {tenant} has no runbook {runbook_id!r} in use, so there is none to retire"
            raise NotFound(detail, missing="runbook")
    later(tell_waiting, backends, tenant, uses_runbook(runbook_id))


def read_runbook(text: bytes, runbook_id: str | None = None) -> Runbook:
    """Return the runbook in a document; with an id, it has to be that one. Raises Invalid with every error."""
    try:
        runbook = parse_runbook(text)
    except RunbookInvalid as error:
        raise _invalid(str(error), _plain(error.problems)) from error
    why = why_unstorable(runbook.model_dump(mode="json", by_alias=True))
    if why is not None:
        raise _invalid(f"the runbook {why}", [FieldProblem("", why, 1, "write plain text")])
    if runbook_id is not None and runbook.id != runbook_id:
        found = [FieldProblem("id", f"is {runbook.id!r}", 1, f"write `id: {runbook_id}`")]
        raise _invalid(f"the document's id is {runbook.id!r}, the address says {runbook_id!r}", found)
    return runbook


def warnings_of(runbook: Runbook, text: str | bytes) -> list[FileProblem]:
    """Return, at their lines, what had better be otherwise in a document that may be stored."""
    found = warnings(runbook)
    return place_violations(text, found) if found else []


async def _found(session: AsyncSession, tenant: str, stored: StoredRunbook) -> FoundRunbook:
    versions = await runbooks.list_versions(session, tenant, stored.runbook.id)
    needed = await needed_changes([stored])
    had_better = await beside(warnings_of, stored.runbook, stored.text)
    return FoundRunbook(stored, versions, needed[stored.digest], had_better)


def _plain(problems: Sequence[FileProblem]) -> list[FieldProblem]:
    return [FieldProblem(one.field, one.message, one.line, one.mend) for one in problems]


def _invalid(detail: str, found: list[FieldProblem]) -> Invalid:
    return Invalid(found, detail, problems=found)
