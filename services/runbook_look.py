"""Runbooks as people look at them: what is in them, what they need, how they did, and which is nearly another one."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from db import figures, lists, runbooks
from db.figures import RunbookFigures
from db.paging import Page, page_of
from db.runbooks import StoredRunbook
from domain.matching.match import Duplicate
from domain.plans.difference import difference
from services.history import RunbookHistory, get_history
from services.library import Library
from services.needed_changes import needed_changes
from services.reading import beside
from services.runbooks import FoundRunbook, get_runbook


@dataclass(frozen=True)
class ListedRunbook:
    """A runbook's latest version; why no plan is made of it, which others are nearly the same."""

    stored: StoredRunbook
    needs_changes: list[str]
    duplicates: list[Duplicate]


@dataclass(frozen=True)
class RunbookLook:
    """One version, how its steps and the runbook did, and, where another version was named, what differs from that."""

    found: FoundRunbook
    usual: dict[str, float]
    did: RunbookFigures
    history: RunbookHistory
    earlier: StoredRunbook | None
    difference: list[tuple[str, str]]


async def list_runbooks(
    session: AsyncSession,
    library: Library,
    tenant: str,
    *,
    with_retired: bool,
    after: str = "",
    limit: int | None = None,
) -> Page[ListedRunbook]:
    """Return the latest version of each, by id; all of them unless there is a limit."""
    found = await runbooks.list_runbooks(session, tenant, with_retired, after, limit + 1 if limit else None)
    page = page_of(found, limit or len(found), lambda one: one.runbook.id)
    alike = await library.duplicates(tenant, [one.runbook.id for one in page.items])
    needed = await needed_changes(page.items)
    listed = [ListedRunbook(one, needed[one.digest], alike[one.runbook.id]) for one in page.items]
    return Page(listed, page.next_cursor)


async def figures_of(session: AsyncSession, tenant: str, listed: list[ListedRunbook]) -> dict[str, RunbookFigures]:
    """Return runbook id -> how it did."""
    did = await figures.runbook_figures(session, tenant)
    return {one.stored.runbook.id: did.get(one.stored.runbook.id, RunbookFigures()) for one in listed}


async def look_at_runbook(
    session: AsyncSession, tenant: str, runbook_id: str, version: int | None, against: int | None
) -> RunbookLook:
    """Return a version of a runbook, or its latest. Raises NotFound."""
    found = await get_runbook(session, tenant, runbook_id, version)
    earlier = (await get_runbook(session, tenant, runbook_id, against)).stored if against else None
    return RunbookLook(
        found=found,
        usual=await lists.usual_seconds(session, tenant, runbook_id),
        did=(await figures.runbook_figures(session, tenant)).get(runbook_id, RunbookFigures()),
        history=await get_history(session, tenant, runbook_id),
        earlier=earlier,
        difference=await beside(difference, earlier.text, found.stored.text) if earlier else [],
    )


async def search_runbooks(
    session: AsyncSession, tenant: str, words: str, most: int
) -> tuple[list[StoredRunbook], bool]:
    """Return the runbooks in use that have all of these words, and whether there are more of them."""
    found = await runbooks.search_runbooks(session, tenant, words, most + 1)
    return found[:most], len(found) > most
