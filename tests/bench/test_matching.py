"""The benchmark's command line, scorer and fit, on a tiny data set of our own."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.matching import matcher_of
from bench.matching_data import Library, accepted, document, fold_of, libraries, query, read, write
from bench.matching_fit import fit, gather, general_words, save, signs
from bench.matching_report import left_out_one_by_one
from bench.matching_score import Bin, Share, score
from bench.matching_svg import reliability_diagram
from matching import Matcher
from matching.model import FREE, THRESHOLD, load_model, log_odds_of

ROOT = Path(__file__).resolve().parent.parent.parent
Rows = list[dict[str, Any]]

SUBJECTS = ["Ledger", "Mailer", "Crawler", "Billing", "Gateway", "Indexer", "Archive", "Notifier"]
PROBLEMS = [
    ("Down", "is down", "no instance of {} answers"),
    ("SlowRequests", "requests are slow", "requests to {} take too long"),
    ("DiskFull", "has no disk space left", "the volume of {} is almost full"),
]


@pytest.fixture
def runbooks() -> Rows:
    rows = []
    for at, subject in enumerate(SUBJECTS):
        for problem, _, lead in PROBLEMS:
            text = f"# {subject}{problem}\n\n## Meaning\n\nThis alert fires when {lead.format(subject)}.\n"
            title = f"{subject}{problem}"
            rows.append({"id": f"{at}/{title}", "title": title, "text": text, "source": f"s{at % 4}"})
    return rows


@pytest.fixture
def tickets(runbooks: Rows) -> Rows:
    rows: Rows = []
    for at, runbook in enumerate(runbooks):
        subject, (_, said, _) = SUBJECTS[at // len(PROBLEMS)], PROBLEMS[at % len(PROBLEMS)]
        kind = ("prose", "paraphrase", "with_name")[at % 3]
        title = runbook["title"] if kind == "with_name" else f"{subject} {said}"
        rows.append(ticket(f"t{at}", kind, title, runbook["id"]) | {"alert": runbook["title"]})
    for at, title in enumerate(
        ["Printer out of toner", "Caller left open", "Ledger exported twice", "New mailer users"]
    ):
        rows.append(ticket(f"n{at}", "no_match" if at < 2 else "no_match_near", title, None))
    return rows


def ticket(id_: str, kind: str, title: str, gold: str | None) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": kind,
        "title": title,
        "description": "",
        "severity": "warning",
        "labels": {},
        "gold_runbook_id": gold,
        "accept": [gold] if gold else [],
        "cluster": id_,
    }


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.matching", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_line_writes_predictions(tmp_path: Path, runbooks: Rows, tickets: Rows) -> None:
    write(tmp_path / "r.jsonl", runbooks)
    write(tmp_path / "t.jsonl", tickets)
    files = ["--runbooks", str(tmp_path / "r.jsonl"), "--tickets", str(tmp_path / "t.jsonl"), "--out"]
    assert run(*files, str(tmp_path / "p.jsonl")).returncode == 0
    assert run(*files, str(tmp_path / "l.jsonl"), "--leave-one-out").returncode == 0
    whole, left_out = read(tmp_path / "p.jsonl"), read(tmp_path / "l.jsonl")
    assert [row["ticket_id"] for row in whole] == [row["id"] for row in tickets]
    right = {row["id"]: accepted(row) for row in tickets}
    for row in whole + left_out:
        confidences = [match["confidence"] for match in row["matches"]]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 <= confidence <= 1 for confidence in confidences)
    for row in left_out:
        assert not {match["runbook_id"] for match in row["matches"]} & right[row["ticket_id"]]
    answered = [row for row in whole if right[row["ticket_id"]]]
    assert all(row["matches"][0]["runbook_id"] in right[row["ticket_id"]] for row in answered)


def test_a_missing_argument_is_told() -> None:
    assert "--runbooks" in run("--tickets", "t.jsonl").stderr
    assert "--data" in run("--report").stderr


def test_the_score_counts_what_it_says(runbooks: Rows, tickets: Rows) -> None:
    perfect = [prediction(row, sorted(accepted(row)), 1.0) for row in tickets]
    nothing = [prediction(row, [], 0.0) for row in tickets]
    titles = {row["id"]: row["title"] for row in runbooks}
    best = score(tickets, perfect, nothing, titles)
    assert best.first["prose"].value == best.five["paraphrase"].value == best.precision.value == 1.0
    assert best.calibration_error == 0
    assert best.named.of == 8
    worst = score(tickets, [prediction(row, ["wrong"], 0.9) for row in tickets], perfect, titles)
    assert worst.first["prose"].hits == worst.precision.hits == 0
    assert worst.left_out.value == worst.foreign.value == worst.near.value == 1.0
    assert worst.calibration_error == pytest.approx(0.9)


def prediction(row: dict[str, Any], ids: list[str], confidence: float) -> dict[str, Any]:
    return {"ticket_id": row["id"], "matches": [{"runbook_id": id_, "confidence": confidence} for id_ in ids]}


def test_an_interval_holds_its_share() -> None:
    low, high = Share(9, 10).interval
    assert 0.5 < low < 0.9 < high < 1
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_cluster_is_in_one_fold(tickets: Rows) -> None:
    folds = fold_of([*tickets, *tickets], 3, seed=1)
    assert set(folds.values()) == {0, 1, 2}
    assert folds == fold_of(tickets, 3, seed=1)


def test_a_fit_ranks_and_holds_back(tmp_path: Path, runbooks: Rows, tickets: Rows) -> None:
    general = general_words(runbooks)
    cases = gather([Library("own", runbooks, tickets)])
    assert {case.kind for case in cases} == {"whole", "left out", "small"}
    model = fit(cases, general)
    save(model, tmp_path / "model.json")
    assert load_model(tmp_path / "model.json") == model
    assert all(weight * sign >= 0 for weight, sign in zip(model.rank.values(), signs(tuple(model.rank)), strict=True))
    matcher = matcher_of({row["id"]: document(row) for row in runbooks}, Matcher(model))
    tops = {row["id"]: matcher.match(query(row))[:1] for row in tickets}
    answered = [top for row in tickets for top in tops[row["id"]] if accepted(row)]
    others = [top for row in tickets for top in tops[row["id"]] if not accepted(row)]
    assert min(top.confidence_score for top in answered) > max(top.confidence_score for top in others)


def test_each_library_is_judged_by_a_model_that_has_not_seen_it(tmp_path: Path, runbooks: Rows, tickets: Rows) -> None:
    halves = {row["id"]: f"half {int(row['id'].split('/')[0]) % 2}" for row in runbooks}
    write(tmp_path / "runbooks.jsonl", [row | {"library": halves[row["id"]]} for row in runbooks])
    rows = [row | {"library": halves.get(row["gold_runbook_id"], "half 0")} for row in tickets]
    write(tmp_path / "tickets.jsonl", rows)
    own, among_all = left_out_one_by_one(libraries([tmp_path]))
    right = {row["id"]: accepted(row) for row in tickets}
    for found in (own, among_all):
        assert sorted(found) == ["half 0", "half 1"]
        for whole, left_out in found.values():
            assert all(
                row["matches"][0]["runbook_id"] in right[row["ticket_id"]] for row in whole if right[row["ticket_id"]]
            )
            assert not any({one["runbook_id"] for one in row["matches"]} & right[row["ticket_id"]] for row in left_out)
    ids = {one["runbook_id"] for whole, _ in [own["half 1"]] for row in whole for one in row["matches"]}
    assert {halves[id_] for id_ in ids} == {"half 1"}, "alone is alone"


def test_what_is_held_back_is_what_twins_reach() -> None:
    model = replace(load_model(), held=1.0)
    assert model.held_back(FREE) == 0.0
    reached = log_odds_of(THRESHOLD) + 1.0
    assert reached + model.held_back(reached) == pytest.approx(log_odds_of(THRESHOLD))
    assert model.held_back(9.0) == 0.0
    rising = [at / 10 + model.held_back(at / 10) for at in range(-50, 80)]
    assert rising == sorted(rising)


def test_general_words_are_those_of_several_sources(runbooks: Rows) -> None:
    words = general_words(runbooks)
    assert "instanc" in words
    assert "ledger" not in words


def test_the_diagram_is_an_svg_with_a_dot_for_each_tenth() -> None:
    root = ElementTree.fromstring(reliability_diagram([Bin(10, 0.05, 0.0), Bin(30, 0.95, 0.97)]))
    assert root.tag.endswith("svg")
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 2


def test_a_model_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"rank": {}}), encoding="utf-8")
    with pytest.raises(ValueError, match="not a matching model"):
        load_model(path)
