"""Fit the matcher's numbers on labelled tickets of several libraries and write matching/model.json.

python -m bench.matching_fit --data DIR... [--out matching/model.json]

Two small models, both with fixed signs (evidence for a match never counts against it) and shrinkage. `rank` is a
conditional logit: which candidate is the right one. `trust` is a logistic regression on the best candidate: is it right
at all. It also sees every ticket with its right runbooks taken out of the library, and tickets on small libraries, so
that it learns what "nothing here fits" and "only its twin is here" look like. Everything that depends on another fit
(the standing among rivals, the level of the confidence) is taken from fits that have not seen the ticket's library.
Only numbers and general words are written, never a text.
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

from bench.matching_data import Library, Row, accepted, fold_of, libraries, query
from bench.matching_solve import fit_choice, fit_logistic, scale_to
from matching import Matcher
from matching.declared import IN_RANK, WEIGHTS
from matching.document import Prepared
from matching.evidence import AGAINST, RANKING, STANDING, TRUSTING
from matching.features import standing
from matching.matcher import CANDIDATES
from matching.model import MODEL_FILE, THRESHOLD, Model, log_odds_of
from matching.text import terms

Floats = NDArray[np.float64]
SMALL_LIBRARIES = (8, 15, 30)
SHRINKAGE = 0.005
NAMED, SMALL = 0.3, 0.3  # weights in fitting of tickets that name the alert, and of tickets on small libraries
PRIOR_LEFT_OUT = 0.05  # one in twenty tickets has no right runbook beside its twins: the level of the confidence
LEFT_OUT_RUN = 0.03  # the share of tickets without their right runbook that may reach the threshold
INNER_FOLDS = 5
GENERAL_SOURCES, GENERAL_RUNBOOKS = 4, 6


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket on one library: the candidates' evidence (candidates x features) and which of them are right."""

    ticket: Row
    library: str
    kind: str
    runbooks: list[Prepared]
    evidence: Floats
    declared: Floats
    right: NDArray[np.bool_]


def general_words(runbooks: list[Row]) -> dict[str, float]:
    """Return how often each word of general vocabulary occurs: one that runbooks of several sources share."""
    sources: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for runbook in runbooks:
        for term in set(terms(f"{runbook['title']} {runbook['text']}")):
            counts[term] += 1
            sources[term].add(runbook.get("library") or runbook["source"])
    kept = (t for t in sorted(counts) if len(sources[t]) >= GENERAL_SOURCES and counts[t] >= GENERAL_RUNBOOKS)
    return {term: round(counts[term] / len(runbooks), 4) for term in kept}


def general_without(found: list[Library], name: str) -> dict[str, float]:
    """Return the general vocabulary of the other libraries (of this one, where it is the only one)."""
    others = [library for library in found if library.name != name] or found
    return general_words([runbook for library in others for runbook in library.runbooks])


def empty_model(general: Mapping[str, float]) -> Model:
    """Return a model that has learnt nothing yet: its order is that of the word score."""
    return Model(rank={"word score": 1.0}, trust={}, typical={}, base=0.0, held=0.0, general=general)


def gather(found: list[Library], seed: int = 3) -> list[Case]:
    """Return the evidence for every ticket on its own library, on it without its right runbooks, and on small ones.

    A library's general vocabulary is that of the others, as it is for a library that nobody has seen.
    """
    chance = random.Random(seed)
    return [case for library in found for case in _cases(library, general_without(found, library.name), chance)]


def _cases(library: Library, general: Mapping[str, float], chance: random.Random) -> list[Case]:
    documents = library.documents
    cases: list[Case] = []
    matcher = _matcher(library, sorted(documents), general)
    for ticket in library.tickets:
        _add(cases, matcher, library, ticket, "whole")
        right = sorted(accepted(ticket) & documents.keys())
        for runbook_id in right:
            matcher.remove(runbook_id)
        if right:
            _add(cases, matcher, library, ticket, "left out")
        for runbook_id in right:
            matcher.upsert(documents[runbook_id])
    for chosen in _parts(library, chance):
        small = _matcher(library, sorted(chosen), general)
        fitting = [ticket for ticket in library.tickets if accepted(ticket) & chosen]
        others = [ticket for ticket in library.tickets if not accepted(ticket) & chosen]
        fitting = chance.sample(fitting, min(len(fitting), 60))
        for ticket in fitting + chance.sample(others, min(len(others), max(10, len(fitting)))):
            _add(cases, small, library, ticket, "small")
    return cases


def _parts(library: Library, chance: random.Random) -> list[set[str]]:
    """Return small libraries within one: what each source wrote, where there are several, and some by chance."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for runbook in library.runbooks:
        by_source[runbook["source"]].add(runbook["id"])
    ids = sorted(runbook["id"] for runbook in library.runbooks)
    natural = [part for _, part in sorted(by_source.items()) if min(SMALL_LIBRARIES) <= len(part) < len(ids)]
    return natural + [set(chance.sample(ids, min(size, len(ids)))) for size in SMALL_LIBRARIES]


def _matcher(library: Library, chosen: list[str], general: Mapping[str, float]) -> Matcher:
    matcher, documents = Matcher(empty_model(general)), library.documents
    for runbook_id in chosen:
        matcher.upsert(documents[runbook_id])
    return matcher


def _add(cases: list[Case], matcher: Matcher, library: Library, ticket: Row, kind: str) -> None:
    found = matcher.evidence(query(ticket))[:CANDIDATES]
    if not found:
        return
    cases.append(
        Case(
            ticket=ticket,
            library=library.name,
            kind=kind,
            runbooks=[one.runbook for one in found],
            evidence=np.array([[one.row[name] for name in RANKING + TRUSTING] for one in found]),
            declared=np.array([sum(weight * one.row[name] for name, weight in WEIGHTS.items()) for one in found]),
            right=np.array([one.runbook.id in accepted(ticket) for one in found]),
        )
    )


def signs(names: tuple[str, ...]) -> Floats:
    """Return the sign that each piece of evidence may have: -1 against, 1 for."""
    return np.array([-1.0 if name in AGAINST else 1.0 for name in names])


def fit(cases: list[Case], general: Mapping[str, float]) -> Model:
    """Fit both models on the cases given, and set the level of the confidence on predictions for unseen libraries."""
    folds = _folds(cases)
    every = np.ones(len(cases), dtype=bool)
    scores: list[Floats] = [np.zeros(0)] * len(cases)
    for fold in sorted(set(folds.tolist())):
        weights = _fit_rank(cases, folds != fold)
        for at in np.flatnonzero(folds == fold):
            scores[at] = cases[at].evidence[:, : len(RANKING)] @ weights + IN_RANK * cases[at].declared
    rank = _fit_rank(cases, every)
    evidence, declared, right = _best(cases, scores)
    weight = np.array([_weight(case) for case in cases])
    sign = signs(TRUSTING + STANDING)
    unseen = np.zeros(len(right))
    for fold in sorted(set(folds.tolist())):
        train = folds != fold
        slopes, base = fit_logistic(evidence[train], right[train], weight[train], declared[train], SHRINKAGE, sign)
        unseen[~train] = evidence[~train] @ slopes + base
    slopes, base = fit_logistic(evidence, right, weight, declared, SHRINKAGE, sign)
    stretch, shift = scale_to(unseen, right, np.array([_prior(case) for case in cases]), declared)
    typical = np.round(np.average(evidence, axis=0, weights=weight), 4)
    slopes = np.round(slopes * stretch, 4)
    missing = np.array([case.kind == "left out" and case.ticket["kind"] != "with_name" for case in cases])
    return Model(
        rank={name: round(float(w), 4) for name, w in zip(RANKING, rank, strict=True)},
        trust={name: float(w) for name, w in zip(TRUSTING + STANDING, slopes, strict=True)},
        typical={name: float(w) for name, w in zip(TRUSTING + STANDING, typical, strict=True)},
        base=round(float(base * stretch + shift + slopes @ typical), 4),
        held=_held(stretch * unseen[missing] + shift + declared[missing]),
        general=general,
    )


def _folds(cases: list[Case]) -> NDArray[np.int_]:
    """Return the fold of each case: its library, or, where there is but one, some of its clusters."""
    names = sorted({case.library for case in cases})
    if len(names) > 1:
        return np.array([names.index(case.library) for case in cases])
    folds = fold_of([case.ticket for case in cases], INNER_FOLDS, seed=7)
    return np.array([folds[case.ticket["cluster"]] for case in cases])


def _held(missing: Floats) -> float:
    """Return by how much the log-odds of tickets without their right runbook exceed what may run."""
    reach = float(np.quantile(missing, 1 - LEFT_OUT_RUN))
    return round(max(0.0, reach - log_odds_of(THRESHOLD)), 4)


def _fit_rank(cases: list[Case], chosen: NDArray[np.bool_]) -> Floats:
    whole = [
        case for case, take in zip(cases, chosen, strict=True) if take and case.kind == "whole" and case.right.any()
    ]
    shape = (len(whole), max(len(case.runbooks) for case in whole), len(RANKING))
    evidence, offset = np.zeros(shape), np.full(shape[:2], -1e9)
    right = np.zeros(shape[:2], dtype=bool)
    for at, case in enumerate(whole):
        count = len(case.runbooks)
        evidence[at, :count] = case.evidence[:, : len(RANKING)]
        offset[at, :count], right[at, :count] = IN_RANK * case.declared, case.right
    weight = np.array([NAMED if case.ticket["kind"] == "with_name" else 1.0 for case in whole])
    return fit_choice(evidence, offset, right, weight, SHRINKAGE, signs(RANKING))


def _best(cases: list[Case], scores: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """Return, for the best candidate of each case, its evidence with its standing, what is declared, if it is right."""
    rows, declared, right = [], [], []
    for case, score in zip(cases, scores, strict=True):
        order = sorted(range(len(score)), key=lambda at: (-score[at], case.runbooks[at].id))
        best = order[0]
        stood = standing([case.runbooks[at] for at in order], [float(score[at]) for at in order], 1)[0]
        rows.append([*case.evidence[best, len(RANKING) :], *(stood[name] for name in STANDING)])
        declared.append(case.declared[best])
        right.append(float(case.right[best]))
    return np.array(rows), np.array(declared), np.array(right)


def _weight(case: Case) -> float:
    return (SMALL if case.kind == "small" else 1.0) * (NAMED if case.ticket["kind"] == "with_name" else 1.0)


def _prior(case: Case) -> float:
    if case.ticket["kind"] == "with_name":
        return 0.0
    return {"whole": 1.0, "left out": PRIOR_LEFT_OUT, "small": 0.0}[case.kind]


def main() -> None:
    """Fit on all libraries given and write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of runbooks and tickets")
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    args = parser.parse_args()
    found = libraries(args.data)
    save(fit(gather(found), general_without(found, "")), args.out)


def save(model: Model, path: Path) -> None:
    """Write a model file that `load_model` reads."""
    data = {name: getattr(model, name) for name in ("base", "held", "rank", "trust", "typical", "general")}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
