"""The table of the matcher's measures: each library judged by a model that has seen no ticket of it."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from bench.matching import matcher_of, predict
from bench.matching_baselines import Bm25, baseline
from bench.matching_data import Library, Row, libraries, query, write
from bench.matching_fit import fit, gather, general_without
from bench.matching_score import Score, score
from bench.matching_svg import reliability_diagram
from domain.matching.match import RunbookDocument
from matching import Matcher

# Measure, aim, and what version 0.1 had on the eight libraries that it had not seen (its features are gone).
AIMS: list[tuple[str, str, str]] = [
    ("acc@1 prose", ">= .88", "0.857"),
    ("acc@1 paraphrase", "", "0.462"),
    ("R@5 prose", "", "0.983"),
    ("precision unattended", ">= .97", "0.967 [0.936-0.983]"),
    ("right and unattended", ">= .45", "0.493"),
    ("no match, foreign: run", "<= .02", "0.000"),
    ("no match, near: run", "<= .02", "0.018"),
    ("left out: run", "<= .06", "0.091"),
    ("calibration error", "<= .06", "0.104"),
]
Predictions = tuple[list[Row], list[Row]]


def report(folders: list[Path], svg: Path | None, out: Path | None = None) -> None:
    """Print the tables for all libraries in the folders; write the reliability diagram and predictions where asked."""
    found = libraries(folders)
    own, among_all = left_out_one_by_one(found)
    if out is not None:
        write(out / "predictions.jsonl", [row for rows in own.values() for row in rows[0]])
        write(out / "left-out.jsonl", [row for rows in own.values() for row in rows[1]])
    new = [library for library in found if library.name != "first"] or found
    plain = baseline(
        {one.name: Bm25({r["id"]: f"{r['title']} {r['text']}" for r in one.runbooks}) for one in found}, found
    )
    whole = _score(found, own)
    say(f"{len(found)} libraries, each judged by a model that saw none of its tickets; in brackets 95 % intervals")
    columns = {
        "new libraries": _score(new, own),
        "all libraries": whole,
        "among all runbooks": _score(found, among_all),
        "BM25, new ones": _score(new, plain),
    }
    _print(columns)
    for library in found:
        say(f"{library.name:24}" + "  ".join(values(_score([library], own))[at] for at in (0, 3, 4, 7, 8)))
    say(f"wrong and unattended: {whole.wrong}")
    _print_speed([runbook for library in found for runbook in library.runbooks], found[0].tickets)
    if svg is not None:
        svg.write_text(reliability_diagram(whole.bins), encoding="utf-8")


def left_out_one_by_one(found: list[Library]) -> tuple[dict[str, Predictions], dict[str, Predictions]]:
    """Return each library's predictions by a model that saw no ticket of it: on its own runbooks, and on all.

    The first of a pair are those on the whole library, the second those without each ticket's right runbooks.
    """
    cases = gather(found)
    every = {id_: one for library in found for id_, one in library.documents.items()}
    own: dict[str, Predictions] = {}
    among_all: dict[str, Predictions] = {}
    for library in found:
        seen = [case for case in cases if case.library != library.name] or cases
        model = fit(seen, general_without(found, library.name))
        for kept, documents in ((own, library.documents), (among_all, every)):
            matcher = matcher_of(documents, Matcher(model))
            whole, left_out = (list(predict(documents, library.tickets, taken, matcher)) for taken in (False, True))
            kept[library.name] = whole, left_out
    return own, among_all


def _score(found: list[Library], predictions: dict[str, Predictions]) -> Score:
    tickets = [ticket for library in found for ticket in library.tickets]
    whole, left_out = ([row for library in found for row in predictions[library.name][at]] for at in (0, 1))
    titles = {runbook["id"]: runbook["title"] for library in found for runbook in library.runbooks}
    return score(tickets, whole, left_out, titles)


def values(found: Score) -> list[str]:
    """Return the table's column for one system, in the order of AIMS."""
    shares = [
        found.first["prose"],
        found.first["paraphrase"],
        found.five["prose"],
        found.precision,
        found.unattended,
        found.foreign,
        found.near,
        found.left_out,
    ]
    return [*map(str, shares), f"{found.calibration_error:.3f}"]


def _print(columns: dict[str, Score]) -> None:
    say(f"{'measure':24}{'aim':9}" + "".join(f"{name:24}" for name in columns) + "version 0.1, new ones")
    texts = [values(found) for found in columns.values()]
    for at, (name, aim, former) in enumerate(AIMS):
        say(f"{name:24}{aim:9}" + "".join(f"{column[at]:24}" for column in texts) + former)


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
    sys.stdout.flush()
