"""Run the product's own matcher over tickets and runbooks in JSON lines, and write its predictions.

python -m bench.matching --runbooks R.jsonl --tickets T.jsonl --out P.jsonl [--leave-one-out]
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.match import MatchQuery, RunbookDocument
from matching import Matcher

Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """Read a JSON lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


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


def predict(runbooks: list[Row], tickets: list[Row], leave_one_out: bool) -> Iterator[Row]:
    """Yield one prediction for each ticket, at least five matches where there are five."""
    documents = {runbook["id"]: document(runbook) for runbook in runbooks}
    matcher = Matcher()
    for one in documents.values():
        matcher.upsert(one)
    for ticket in tickets:
        left_out = [documents[id_] for id_ in accepted(ticket) if leave_one_out and id_ in documents]
        for one in left_out:
            matcher.remove(one.id)
        matches = matcher.match(query(ticket), limit=10)
        for one in left_out:
            matcher.upsert(one)
        found = [{"runbook_id": match.runbook_id, "confidence": match.confidence_score} for match in matches]
        yield {"ticket_id": ticket["id"], "matches": found}


def accepted(ticket: Row) -> list[str]:
    """Return the ids of every runbook that counts as right for a ticket."""
    return sorted({*(ticket.get("accept") or []), *filter(None, [ticket.get("gold_runbook_id")])})


def main() -> None:
    """Parse the command line and write the predictions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runbooks", type=Path, required=True)
    parser.add_argument("--tickets", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--leave-one-out", action="store_true")
    args = parser.parse_args()
    with args.out.open("w", encoding="utf-8") as out:
        for row in predict(read(args.runbooks), read(args.tickets), args.leave_one_out):
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
