"""Which share of a ticket's words stands where in each candidate, weighted by rarity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.document import HEAD, LEAD, SYMPTOM, TITLE
from matching.index import Candidates, Floats
from matching.query import PreparedQuery

ABOUT = TITLE | SYMPTOM | LEAD | HEAD
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
    mass = np.array([weight * rarity[term] for term, weight in query.weights.items()])
    about = (found & ABOUT) > 0
    columns = {
        "word score": candidates.scores / max(float(mass.sum()), 1e-9),
        "ticket anywhere": _shares(mass, found > 0),
        "telling words": _shares(mass * _telling(about), about),
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
