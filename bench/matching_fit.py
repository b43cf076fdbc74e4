"""Fit the matcher's numbers on labelled tickets and write matching/model.json.

python -m bench.matching_fit --runbooks R.jsonl --tickets T.jsonl [--out matching/model.json]

Two small models, both with fixed signs (evidence for a match never counts against it) and strong shrinkage. `rank` is a
conditional logit: which candidate is the right one. `trust` is a logistic regression on the best candidate: is it right
at all. It also sees every ticket with its right runbooks taken out of the library, and tickets on small libraries, so
that it learns what "nothing here fits" looks like. Only numbers and general words are written, never a text.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.matching_data import Row, accepted, document, fold_of, query, read
from bench.matching_solve import fit_choice, fit_logistic, scale_to
from domain.match import RunbookDocument
from matching import Matcher
from matching.declared import IN_RANK, WEIGHTS
from matching.document import Prepared
from matching.features import standing
from matching.model import MODEL_FILE, Model
from matching.text import terms

Floats = NDArray[np.float64]
CANDIDATES = 16
AGAINST = (
    "rarest",
    "unknown",
    "other",
    "conflicts",
    "unsaid",
    "unmet",
    "swapped",
    "told apart",
    "untitled",
    "names unmet",
    "names now",
)
SMALL_LIBRARIES = (7, 8, 10, 15, 25, 40, 80, 160)
RANK_SHRINKAGE, TRUST_SHRINKAGE = 0.03, 0.06
NAMED, LEFT_OUT, SMALL = 0.3, 1.0, 1.2  # weights in fitting of tickets with a name, without a right runbook, small
PRIOR_LEFT_OUT = 0.1  # the weight of tickets without a right runbook when the level of the confidence is set
INNER_FOLDS = 5
GENERAL_SOURCES, GENERAL_RUNBOOKS = 4, 6


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket on one library: the candidates' evidence (candidates x features) and which of them are right."""

    ticket: Row
    kind: str
    runbooks: list[Prepared]
    evidence: Floats
    declared: Floats
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases and the names of the evidence."""

    names: list[str]
    cases: list[Case]


def general_words(runbooks: list[Row]) -> dict[str, float]:
    """Return how often each word of general vocabulary occurs: one that runbooks of several sources share."""
    sources: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for runbook in runbooks:
        for term in set(terms(f"{runbook['title']} {runbook['text']}")):
            counts[term] += 1
            sources[term].add(runbook["source"])
    kept = (t for t in sorted(counts) if len(sources[t]) >= GENERAL_SOURCES and counts[t] >= GENERAL_RUNBOOKS)
    return {term: round(counts[term] / len(runbooks), 4) for term in kept}


def empty_model(general: Mapping[str, float]) -> Model:
    """Return a model that has learnt nothing yet: its order is that of the word score."""
    return Model(rank={"word score": 1.0}, trust={}, typical={}, base=0.0, general=general)


def gather(runbooks: list[Row], tickets: list[Row], general: Mapping[str, float], seed: int = 5) -> Cases:
    """Return the evidence for every ticket on the library, without its right runbooks, and on small libraries."""
    documents = {runbook["id"]: document(runbook) for runbook in runbooks}
    answerable = [ticket for ticket in tickets if accepted(ticket)]
    cases = Cases([], [])
    matcher = _library(documents, sorted(documents), general)
    for ticket in tickets:
        _add(cases, matcher, ticket, "whole")
    for ticket in answerable:
        for runbook_id in accepted(ticket):
            matcher.remove(runbook_id)
        _add(cases, matcher, ticket, "left out")
        for runbook_id in accepted(ticket):
            matcher.upsert(documents[runbook_id])
    chance = random.Random(seed)
    for size in SMALL_LIBRARIES * 2:
        chosen = sorted(chance.sample(sorted(documents), min(size, len(documents))))
        small = _library(documents, chosen, general)
        fitting = [ticket for ticket in answerable if accepted(ticket) & set(chosen)]
        others = [ticket for ticket in tickets if not accepted(ticket) & set(chosen)]
        fitting = chance.sample(fitting, min(len(fitting), 80))
        for ticket in fitting + chance.sample(others, min(len(others), max(10, min(2 * len(fitting), 120)))):
            _add(cases, small, ticket, "small")
    return cases


def _library(documents: dict[str, RunbookDocument], chosen: list[str], general: Mapping[str, float]) -> Matcher:
    matcher = Matcher(empty_model(general))
    for runbook_id in chosen:
        matcher.upsert(documents[runbook_id])
    return matcher


def _add(cases: Cases, matcher: Matcher, ticket: Row, kind: str) -> None:
    found = matcher.evidence(query(ticket))[:CANDIDATES]
    if not found:
        return
    stood = set(standing([found[0].runbook], [0.0], 1)[0])
    if not cases.names:
        cases.names.extend(name for name in found[0].row if name not in WEIGHTS and name not in stood)
    cases.cases.append(
        Case(
            ticket=ticket,
            kind=kind,
            runbooks=[one.runbook for one in found],
            evidence=np.array([[one.row[name] for name in cases.names] for one in found]),
            declared=np.array([sum(weight * one.row[name] for name, weight in WEIGHTS.items()) for one in found]),
            right=np.array([one.runbook.id in accepted(ticket) for one in found]),
        )
    )


def signs(names: list[str]) -> Floats:
    """Return the sign that each piece of evidence may have: -1 against, 1 for."""
    return np.array([-1.0 if name.startswith(AGAINST) else 1.0 for name in names])


def fit(cases: Cases, general: Mapping[str, float]) -> Model:
    """Fit both models on the cases given, and set the level of the confidence on predictions of inner folds."""
    folds = fold_of([case.ticket for case in cases.cases], INNER_FOLDS, seed=7)
    inner = np.array([folds[case.ticket["cluster"]] for case in cases.cases])
    scores: list[Floats] = [np.zeros(0)] * len(cases.cases)
    for fold in range(INNER_FOLDS):
        weights = _fit_rank(cases, inner != fold)
        for at in np.flatnonzero(inner == fold):
            scores[at] = cases.cases[at].evidence @ weights + IN_RANK * cases.cases[at].declared
    rank = _fit_rank(cases, np.ones(len(cases.cases), dtype=bool))
    names, evidence, declared, right = _best(cases, scores)
    weight = np.array([_weight(case) for case in cases.cases])
    sign = signs(names)
    held_out = np.zeros(len(right))
    for fold in range(INNER_FOLDS):
        train = inner != fold
        slopes, base = fit_logistic(
            evidence[train], right[train], weight[train], declared[train], TRUST_SHRINKAGE, sign
        )
        held_out[~train] = evidence[~train] @ slopes + base
    slopes, base = fit_logistic(evidence, right, weight, declared, TRUST_SHRINKAGE, sign)
    stretch, shift = scale_to(held_out, right, np.array([_prior(case) for case in cases.cases]), declared)
    typical = np.average(evidence, axis=0, weights=weight)
    slopes, base = slopes * stretch, base * stretch + shift
    kept = [at for at, slope in enumerate(slopes) if abs(slope) > 1e-3]
    return Model(
        rank={name: round(float(w), 4) for name, w in zip(cases.names, rank, strict=True) if abs(w) > 1e-3},
        trust={names[at]: round(float(slopes[at]), 4) for at in kept},
        typical={names[at]: round(float(typical[at]), 4) for at in kept},
        base=round(float(base + slopes[kept] @ np.round(typical[kept], 4)), 4),
        general=general,
    )


def _fit_rank(cases: Cases, chosen: NDArray[np.bool_]) -> Floats:
    whole = [
        case
        for case, take in zip(cases.cases, chosen, strict=True)
        if take and case.kind == "whole" and case.right.any()
    ]
    shape = (len(whole), CANDIDATES, len(cases.names))
    evidence, offset = np.zeros(shape), np.full(shape[:2], -1e9)
    right = np.zeros(shape[:2], dtype=bool)
    for at, case in enumerate(whole):
        count = len(case.runbooks)
        evidence[at, :count], offset[at, :count], right[at, :count] = case.evidence, IN_RANK * case.declared, case.right
    weight = np.array([NAMED if case.ticket["kind"] == "with_name" else 1.0 for case in whole])
    return fit_choice(evidence, offset, right, weight, RANK_SHRINKAGE, signs(cases.names))


def _best(cases: Cases, scores: list[Floats]) -> tuple[list[str], Floats, Floats, Floats]:
    """Return, for the best candidate of each case, its evidence with its standing, what is declared, if it is right."""
    rows, declared, right = [], [], []
    names: list[str] = []
    for case, score in zip(cases.cases, scores, strict=True):
        order = sorted(range(len(score)), key=lambda at: (-score[at], case.runbooks[at].id))
        best = order[0]
        stood = standing([case.runbooks[at] for at in order], [float(score[at]) for at in order], 1)[0]
        names = [*cases.names, *stood]
        rows.append([*case.evidence[best], *stood.values()])
        declared.append(case.declared[best])
        right.append(float(case.right[best]))
    return names, np.array(rows), np.array(declared), np.array(right)


def _weight(case: Case) -> float:
    kind = {"whole": 1.0, "left out": LEFT_OUT, "small": SMALL}[case.kind]
    return kind * (NAMED if case.ticket["kind"] == "with_name" else 1.0)


def _prior(case: Case) -> float:
    if case.ticket["kind"] == "with_name":
        return 0.0
    return {"whole": 1.0, "left out": PRIOR_LEFT_OUT, "small": 0.0}[case.kind]


def main() -> None:
    """Fit on the files given and write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runbooks", type=Path, required=True)
    parser.add_argument("--tickets", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    args = parser.parse_args()
    runbooks = read(args.runbooks)
    general = general_words(runbooks)
    model = fit(gather(runbooks, read(args.tickets), general), general)
    save(model, args.out)


def save(model: Model, path: Path) -> None:
    """Write a model file that `load_model` reads."""
    data = {name: getattr(model, name) for name in ("base", "rank", "trust", "typical", "general")}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
