"""Tickets and runbooks in JSON lines, as the product's matcher reads them, library by library."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.matching.match import MatchQuery, RunbookDocument

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Library:
    """The runbooks of one team and the tickets that belong to them."""

    name: str
    runbooks: list[Row]
    tickets: list[Row]

    @property
    def documents(self) -> dict[str, RunbookDocument]:
        """The runbooks as matching reads them, by id."""
        return {runbook["id"]: document(runbook) for runbook in self.runbooks}


def libraries(folders: Iterable[Path]) -> list[Library]:
    """Read folders of [dev-]runbooks.jsonl and [dev-]tickets.jsonl; rows without `library` are one, called "first"."""
    runbooks: dict[str, list[Row]] = {}
    tickets: dict[str, list[Row]] = {}
    for folder in folders:
        for found, name in ((runbooks, "runbooks"), (tickets, "tickets")):
            path = folder / f"dev-{name}.jsonl"
            for row in read(path if path.exists() else folder / f"{name}.jsonl"):
                found.setdefault(row.get("library", "first"), []).append(row)
    return [Library(name, runbooks[name], tickets.get(name, [])) for name in sorted(runbooks)]


def read(path: Path) -> list[Row]:
    """Read a JSON lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def write(path: Path, rows: list[Row]) -> None:
    """Write a JSON lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def document(runbook: Row) -> RunbookDocument:
    """Return a row of a runbooks file as the document that matching reads."""
    return RunbookDocument(id=runbook["id"], title=runbook["title"], body=runbook["text"])


def query(ticket: Row) -> MatchQuery:
    """Return a row of a tickets file as matching reads a ticket: its text, severity, service and labels."""
    return MatchQuery(
        title=ticket["title"],
        description=ticket.get("description") or "",
        severity=ticket.get("severity") or "",
        service=ticket.get("service"),
        labels=ticket.get("labels") or {},
    )


def accepted(ticket: Row) -> frozenset[str]:
    """Return the ids of every runbook that counts as right for a ticket."""
    return frozenset({*(ticket.get("accept") or []), *filter(None, [ticket.get("gold_runbook_id")])})


def fold_of(tickets: list[Row], folds: int, seed: int) -> dict[str, int]:
    """Return the fold (0..folds-1) of each cluster: tickets of one cluster are never on both sides."""
    clusters = sorted({ticket["cluster"] for ticket in tickets})
    random.Random(seed).shuffle(clusters)
    return {cluster: at % folds for at, cluster in enumerate(clusters)}
