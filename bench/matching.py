"""Run the product's own matcher over tickets and runbooks in JSON lines, and write its predictions.

python -m bench.matching --runbooks R.jsonl --tickets T.jsonl --out P.jsonl [--leave-one-out]
python -m bench.matching --report --data DIR... [--svg docs/reliability.svg]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.matching_data import Row, accepted, document, query, read, write
from domain.matching.match import RunbookDocument
from matching import Matcher

MATCHES = 10


def predict(
    documents: dict[str, RunbookDocument], tickets: list[Row], leave_one_out: bool, matcher: Matcher | None = None
) -> Iterator[Row]:
    """Yield one prediction for each ticket, at least five matches where there are five.

    The matcher holds the documents; without one, a new one with the committed model takes them.
    """
    if matcher is None:
        matcher = matcher_of(documents)
    for ticket in tickets:
        left_out = sorted(accepted(ticket) & documents.keys()) if leave_one_out else []
        for runbook_id in left_out:
            matcher.remove(runbook_id)
        matches = matcher.match(query(ticket), limit=MATCHES)
        for runbook_id in left_out:
            matcher.upsert(documents[runbook_id])
        found = [{"runbook_id": match.runbook_id, "confidence": match.confidence_score} for match in matches]
        yield {"ticket_id": ticket["id"], "matches": found}


def matcher_of(documents: dict[str, RunbookDocument], matcher: Matcher | None = None) -> Matcher:
    """Return a matcher (a new one with the committed model, or the one given) that holds the documents."""
    if matcher is None:
        matcher = Matcher()
    for one in documents.values():
        matcher.upsert(one)
    return matcher


def main() -> None:
    """Parse the command line; write the predictions, or print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runbooks", type=Path)
    parser.add_argument("--tickets", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--report", action="store_true", help="the tables, leaving one library out, next to baselines")
    parser.add_argument(
        "--data", type=Path, nargs="+", help="folders with [dev-]runbooks.jsonl and [dev-]tickets.jsonl"
    )
    parser.add_argument("--svg", type=Path, help="where to write the reliability diagram")
    parser.add_argument("--keep", type=Path, help="where to keep the report's predictions")
    args = parser.parse_args()
    if args.report:
        if args.data is None:
            parser.error("--report needs --data DIR")
        from bench.matching_report import report

        report(args.data, args.svg, args.keep)
        return
    if args.runbooks is None or args.tickets is None or args.out is None:
        parser.error("--runbooks, --tickets and --out are needed (or --report --data DIR)")
    documents = {runbook["id"]: document(runbook) for runbook in read(args.runbooks)}
    write(args.out, list(predict(documents, read(args.tickets), args.leave_one_out)))


if __name__ == "__main__":
    main()
