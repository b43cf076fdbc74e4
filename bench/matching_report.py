"""The table of the matcher's measures on labelled tickets, cross-validated by cluster, next to plain baselines."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from bench.matching import matcher_of, predict
from bench.matching_baselines import Bm25, TfIdf, baseline
from bench.matching_data import Row, document, fold_of, query, read, write
from bench.matching_fit import Cases, fit, gather, general_words
from bench.matching_score import Score, score
from bench.matching_svg import reliability_diagram
from domain.match import RunbookDocument
from matching import Matcher

FOLDS = 10
AIMS: list[tuple[str, str]] = [
    ("acc@1 prose", ">= .88"),
    ("acc@1 paraphrase", ">= .88"),
    ("R@5 prose", ">= .97"),
    ("R@5 paraphrase", ">= .98"),
    ("precision unattended", ">= .95"),
    ("right and unattended", ">= .62"),
    ("no match, foreign: run", "<= .01"),
    ("no match, near: run", "<= .03"),
    ("left out: run", "<= .08"),
    ("calibration error", "<= .03"),
    ("named alert: right", ">= .98"),
]


def report(data: Path, svg: Path | None, out: Path | None = None) -> None:
    """Print the table for DIR/dev-*.jsonl; write the reliability diagram and the predictions where asked."""
    runbooks, tickets = read(data / "dev-runbooks.jsonl"), read(data / "dev-tickets.jsonl")
    titles = {runbook["id"]: runbook["title"] for runbook in runbooks}
    whole, left_out = cross_validated(runbooks, tickets)
    if out is not None:
        write(out / "predictions.jsonl", whole)
        write(out / "left-out.jsonl", left_out)
    scores = {"Handrail": score(tickets, whole, left_out, titles)}
    texts = {runbook["id"]: f"{runbook['title']} {runbook['text']}" for runbook in runbooks}
    folds = fold_of(tickets, FOLDS, seed=0)
    for name, scorer in (("BM25", Bm25(texts)), ("TF-IDF", TfIdf(texts))):
        fitted: dict[int, dict[str, float]] = {}
        plain = baseline(scorer, tickets, folds, False, fitted)
        scores[name] = score(tickets, plain, baseline(scorer, tickets, folds, True, fitted), titles)
    _print(scores, len(tickets), len(runbooks))
    _print_speed(runbooks, tickets)
    if svg is not None:
        svg.write_text(reliability_diagram(scores["Handrail"].bins), encoding="utf-8")


def cross_validated(runbooks: list[Row], tickets: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return predictions of the product's matcher, each by a model that saw no ticket of the ticket's cluster."""
    general = general_words(runbooks)
    cases = gather(runbooks, tickets, general)
    folds = fold_of(tickets, FOLDS, seed=0)
    documents: dict[str, RunbookDocument] = {runbook["id"]: document(runbook) for runbook in runbooks}
    whole: dict[str, Row] = {}
    left_out: dict[str, Row] = {}
    for fold in range(FOLDS):
        train = [case for case in cases.cases if folds[case.ticket["cluster"]] != fold]
        matcher = matcher_of(documents, Matcher(fit(Cases(cases.names, train), general)))
        held_out = [ticket for ticket in tickets if folds[ticket["cluster"]] == fold]
        for rows, leave_one_out in ((whole, False), (left_out, True)):
            rows.update({row["ticket_id"]: row for row in predict(documents, held_out, leave_one_out, matcher)})
    return [whole[ticket["id"]] for ticket in tickets], [left_out[ticket["id"]] for ticket in tickets]


def values(found: Score) -> list[str]:
    """Return the table's column for one system, in the order of AIMS."""
    shares = [
        found.first["prose"],
        found.first["paraphrase"],
        found.five["prose"],
        found.five["paraphrase"],
        found.precision,
        found.unattended,
        found.foreign,
        found.near,
        found.left_out,
    ]
    return [*map(str, shares), f"{found.calibration_error:.3f}", str(found.named)]


def _print(scores: dict[str, Score], tickets: int, runbooks: int) -> None:
    say(f"{tickets} tickets, {runbooks} runbooks, {FOLDS} folds by cluster; in brackets 95 % intervals")
    say(f"{'measure':24}{'aim':9}" + "".join(f"{name:24}" for name in scores))
    columns = [values(found) for found in scores.values()]
    for at, (name, aim) in enumerate(AIMS):
        say(f"{name:24}{aim:9}" + "".join(f"{column[at]:24}" for column in columns))
    say(f"wrong and unattended: {scores['Handrail'].wrong}")


def _print_speed(runbooks: list[Row], tickets: list[Row]) -> None:
    """Time the matcher on libraries of 1,000 and 10,000 runbooks (the library's, over and over with other names)."""
    program = (
        "import time; t = time.perf_counter(); import matching; matching.Matcher(); print(time.perf_counter() - t)"
    )
    cold = min(float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(3))
    say(f"cold start (import and construct): {cold:.2f} s")
    queries = [query(ticket) for ticket in tickets[:200]]
    for size in (1_000, 10_000):
        matcher = Matcher()
        start = time.process_time()
        for at in range(size):
            runbook = runbooks[at % len(runbooks)]
            renamed = f"{runbook['title']} variant {at}" if at >= len(runbooks) else runbook["title"]
            matcher.upsert(RunbookDocument(id=f"r{at}", title=renamed, body=runbook["text"]))
        built = time.process_time() - start
        for one in queries[:20]:
            matcher.match(one)
        start = time.process_time()
        for one in queries:
            matcher.match(one)
        each = (time.process_time() - start) / len(queries)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        build = 1000 * built / size
        say(f"{size:6} runbooks: {1000 * each:.2f} ms a ticket, {build:.2f} ms to add one, peak {peak:.0f} MiB")


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")
