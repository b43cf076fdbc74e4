"""Which share of a ticket's words stands where in each candidate, weighted by rarity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.document import HEAD, LEAD, SALIENT, SYMPTOM, TITLE
from matching.index import Candidates, Floats
from matching.query import PreparedQuery

ABOUT = TITLE | SYMPTOM | LEAD | HEAD
RARE = 6.0
RIVALS = 12
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Evidence by name, one value for each candidate; `about[i, j]` is whether i is about the ticket's term j."""

    columns: dict[str, Floats]
    about: Bools


def coverage(query: PreparedQuery, candidates: Candidates, rarity: dict[str, float]) -> Coverage:
    """Return the word evidence of all candidates at once. `rarity` gives the weight of each of the ticket's terms."""
    found = candidates.fields
    titled = frozenset(query.title_terms)
    mass = np.array([weight * rarity[term] for term, weight in query.weights.items()])
    in_title = np.array([term in titled for term in query.weights], dtype=bool)
    subject = np.array([term in query.first_subject for term in query.weights], dtype=bool)
    about = (found & ABOUT) > 0
    head_mass, head_found = mass[in_title], found[:, in_title]
    nowhere = np.where(head_found > 0, 0.0, head_mass)
    widest = nowhere.max(axis=1) if nowhere.shape[1] else np.zeros(len(found))
    columns = {
        "word score": candidates.scores / max(float(mass.sum()), 1e-9),
        "ticket title in lead": _shares(head_mass, head_found & ABOUT > 0),
        "ticket title anywhere": _shares(head_mass, head_found > 0),
        "ticket title salient": _shares(head_mass, head_found & (SALIENT | TITLE) > 0),
        "ticket in lead": _shares(mass, about),
        "ticket anywhere": _shares(mass, found > 0),
        "telling words": _shares(mass * _telling(about), about),
        "rarest word nowhere": np.minimum(1.0, widest / RARE),
        "subject in title": _shares(mass * subject, found & (TITLE | SYMPTOM) > 0),
    }
    return Coverage(columns, about)


def _telling(about: Bools) -> Floats:
    """Return how few of the best candidates are about each term: 0 for a word that all or none of them have."""
    rivals = about[:RIVALS]
    holders = rivals.sum(axis=0)
    telling: Floats = np.log1p((len(rivals) - holders + 0.5) / (holders + 0.5)) * (holders > 0)
    return telling


def _shares(mass: Floats, where: Bools) -> Floats:
    total = float(mass.sum())
    return where @ mass / total if total > 0 else np.zeros(len(where))
