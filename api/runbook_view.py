"""A runbook as it is answered and shown: one version, its source, and what it needs."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.context import ApiContext
from db.runbooks import StoredRunbook
from domain.base import Model
from domain.matching.match import Duplicate
from domain.runbooks.runbook import Risk, Runbook
from domain.runbooks.text import FileProblem
from services.runbook_look import ListedRunbook
from services.runbooks import FoundRunbook

EXAMPLE = """id: clear-spool
title: Clear the mail spool
risk: low
match:
  symptoms: ["mail queue is full"]
inputs:
  days: {type: integer, default: 7, minimum: 1}
prechecks:
  - name: The queue is long
    run: test "$(find /var/spool/mail -type f | wc -l)" -ge 100
    confirms: problem
steps:
  - name: Remove old messages
    run: find /var/spool/mail -mtime +"$days" -print -delete
    no_rollback: the messages are older than anybody reads
postchecks:
  - name: The queue is short
    run: test "$(find /var/spool/mail -type f | wc -l)" -lt 100
"""


class RunbookSummary(Model):
    """The latest version of a runbook."""

    id: str
    version: int
    title: str
    description: str
    risk: Risk
    target: str
    digest: str = Field(description="SHA-256 of its content; the version does not count.")
    created_by: str
    created_at: datetime
    retired_at: datetime | None
    needs_changes: list[str] = Field(description="Why no plan is made of it: rules that came later. Else empty.")
    duplicates: list[Duplicate] = Field(default_factory=list, description="Runbooks in use that are nearly the same.")


class RunbookVersion(Model):
    version: int
    digest: str
    created_by: str
    created_at: datetime


class RunbookProblem(Model):
    line: int
    field: str
    message: str
    mend: str


class RunbookDetail(RunbookSummary):
    """A runbook with its source, the document that was read from it, and its other versions."""

    warnings: list[RunbookProblem] = Field(description="What had better be otherwise; it may run all the same.")
    text: str = Field(description="As it was posted.")
    runbook: Runbook
    versions: list[RunbookVersion] = Field(description="Newest first.")


def problems_of(found: list[FileProblem]) -> list[RunbookProblem]:
    """Return problems as they are answered: whose file it is, whoever sent it knows."""
    return [RunbookProblem(**problem.model_dump(exclude={"file"})) for problem in found]


def summary_of(one: ListedRunbook) -> RunbookSummary:
    return RunbookSummary(**_summary_fields(one.stored), needs_changes=one.needs_changes, duplicates=one.duplicates)


def _summary_fields(stored: StoredRunbook) -> dict[str, Any]:
    """Return what a summary takes from the row."""
    runbook = stored.runbook
    return {
        "id": runbook.id,
        "version": runbook.version,
        "title": runbook.title,
        "description": runbook.description,
        "risk": runbook.risk,
        "target": runbook.target,
        **stored.model_dump(include={"digest", "created_by", "created_at", "retired_at"}),
    }


async def runbook_detail(tenant: str, found: FoundRunbook, context: ApiContext) -> RunbookDetail:
    """Return what is shown of a version of a runbook."""
    stored = found.stored
    alike = await context.library.duplicates(tenant, [stored.runbook.id])
    return RunbookDetail(
        **_summary_fields(stored),
        needs_changes=found.needs_changes,
        warnings=problems_of(found.warnings),
        duplicates=alike[stored.runbook.id],
        text=stored.text,
        runbook=stored.runbook,
        versions=[
            RunbookVersion(
                version=one.runbook.version, digest=one.digest, created_by=one.created_by, created_at=one.created_at
            )
            for one in found.versions
        ],
    )
