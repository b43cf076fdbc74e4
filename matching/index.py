"""An inverted index that changes one runbook at a time; scores do not depend on the order of arrival."""

import math
from array import array
from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.document import Prepared
from matching.frames import TitleFrames

SATURATION = 4.0
BACKGROUND_SIZE = 200.0
UNKNOWN_RATE = 0.002
REMEMBERED = 100_000  # words whose rarity is kept between tickets
Floats = NDArray[np.float64]


class Postings:
    """The runbooks that hold one term: slots, weights and fields side by side."""

    __slots__ = ("fields", "slots", "weights")

    def __init__(self) -> None:
        self.slots = array("i")
        self.weights = array("f")
        self.fields = array("B")

    def add(self, slot: int, weight: float, fields: int) -> None:
        self.slots.append(slot)
        self.weights.append(weight)
        self.fields.append(fields)

    def drop(self, slot: int) -> None:
        at = self.slots.index(slot)
        self.slots[at], self.weights[at], self.fields[at] = self.slots[-1], self.weights[-1], self.fields[-1]
        for column in (self.slots, self.weights, self.fields):
            column.pop()


@dataclass(frozen=True, slots=True)
class Masses:
    """What depends on how rare words are in this library, and is wanted for every ticket."""

    title: dict[str, float]
    sentences: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best runbooks by word score: `fields[i, j]` is where runbook i holds query term j (0: nowhere)."""

    runbooks: list[Prepared]
    scores: Floats
    fields: NDArray[np.uint8]


class Index:
    """Prepared runbooks by term. `general` is how often a word of general vocabulary occurs in any runbook (0..1)."""

    def __init__(self, general: Mapping[str, float]) -> None:
        self._general = general
        self._postings: dict[str, Postings] = {}
        self._runbooks: list[Prepared | None] = []
        self._slot_of: dict[str, int] = {}
        self._free: list[int] = []
        self._rarity: dict[str, float] = {}
        self._masses: dict[str, Masses] = {}
        self._named: dict[str, set[int]] = {}
        self.frames = TitleFrames()

    def __len__(self) -> int:
        return len(self._slot_of)

    def get(self, runbook_id: str) -> Prepared | None:
        slot = self._slot_of.get(runbook_id)
        return None if slot is None else self._runbooks[slot]

    def add(self, runbook: Prepared) -> None:
        """Add a runbook, or replace the one of the same id."""
        self.remove(runbook.id)
        self._forget()
        if self._free:
            slot = self._free.pop()
            self._runbooks[slot] = runbook
        else:
            slot = len(self._runbooks)
            self._runbooks.append(runbook)
        self._slot_of[runbook.id] = slot
        self.frames.add(runbook.title_terms)
        for name in runbook.names | runbook.declared_names | runbook.link_names:
            self._named.setdefault(name, set()).add(slot)
        for term, weight in runbook.weights.items():
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings[term] = Postings()
            postings.add(slot, weight / (SATURATION + weight), runbook.fields[term])

    def remove(self, runbook_id: str) -> None:
        """Take a runbook out; one that is not there is no error."""
        slot = self._slot_of.pop(runbook_id, None)
        if slot is None:
            return
        self._forget()
        runbook = self._runbooks[slot]
        assert runbook is not None
        self._runbooks[slot] = None
        self._free.append(slot)
        self.frames.remove(runbook.title_terms)
        for name in runbook.names | runbook.declared_names | runbook.link_names:
            self._named[name].discard(slot)
            if not self._named[name]:
                del self._named[name]
        for term in runbook.weights:
            postings = self._postings[term]
            postings.drop(slot)
            if not postings.slots:
                del self._postings[term]

    def holders(self, term: str) -> int:
        """Return how many runbooks hold a term."""
        postings = self._postings.get(term)
        return 0 if postings is None else len(postings.slots)

    def rarity(self, term: str) -> float:
        """Return a term's weight: how few runbooks hold it, with general vocabulary standing in for a small library."""
        if term in self._rarity:
            return self._rarity[term]
        if len(self._rarity) >= REMEMBERED:
            self._rarity.clear()
        rate = self._general.get(term, UNKNOWN_RATE)
        holders = self.holders(term) + BACKGROUND_SIZE * rate
        total = len(self) + BACKGROUND_SIZE
        self._rarity[term] = rarity = math.log(1 + (total - holders + 0.5) / (holders + 0.5))
        return rarity

    def masses(self, runbook: Prepared) -> "Masses":
        """Return the weights of a runbook's title words and the weight of each of its sentences."""
        known = self._masses.get(runbook.id)
        if known is None:
            known = self._masses[runbook.id] = Masses(
                {term: self.rarity(term) for term in runbook.title_terms},
                tuple(sum([self.rarity(term) for term in sorted(sentence)]) for sentence in runbook.sentences),
            )
        return known

    def _forget(self) -> None:
        """Any change of the library changes how rare words are."""
        self._rarity.clear()
        self._masses.clear()

    def candidates(self, query: dict[str, float], limit: int, names: Set[str] = frozenset()) -> Candidates:
        """Return the `limit` best runbooks for weighted terms and those that bear one of the names.

        The best come first; equal scores are ordered by id.
        """
        scores = np.zeros(len(self._runbooks))
        found: list[tuple[NDArray[np.int32], NDArray[np.uint8]] | None] = []
        for term, weight in query.items():
            postings = self._postings.get(term)
            if postings is None:
                found.append(None)
                continue
            slots = np.frombuffer(postings.slots, dtype=np.int32)
            scores[slots] += weight * np.frombuffer(postings.weights, dtype=np.float32).astype(np.float64)
            found.append((slots, np.frombuffer(postings.fields, dtype=np.uint8)))
        named = {slot for name in names for slot in self._named.get(name, ())}
        chosen = self._best(scores, limit, named)
        fields = self._fields_of(chosen, found)
        runbooks = [runbook for slot in chosen if (runbook := self._runbooks[slot]) is not None]
        return Candidates(runbooks, scores[chosen], fields)

    def _best(self, scores: Floats, limit: int, named: set[int]) -> list[int]:
        hits = np.flatnonzero(scores > 0)
        if len(hits) > limit:
            cut = np.partition(scores[hits], len(hits) - limit)[len(hits) - limit]
            hits = hits[scores[hits] >= cut]
        ids = {int(slot): runbook.id for slot in hits if (runbook := self._runbooks[slot]) is not None}
        best = sorted(ids, key=lambda slot: (-scores[slot], ids[slot]))[:limit]
        missing = {slot: runbook.id for slot in named - set(best) if (runbook := self._runbooks[slot]) is not None}
        return best + sorted(missing, key=lambda slot: (-scores[slot], missing[slot]))[:limit]

    def _fields_of(
        self, chosen: list[int], found: list[tuple[NDArray[np.int32], NDArray[np.uint8]] | None]
    ) -> NDArray[np.uint8]:
        place = np.full(len(self._runbooks), -1, dtype=np.int32)
        place[chosen] = np.arange(len(chosen), dtype=np.int32)
        fields = np.zeros((len(chosen), len(found)), dtype=np.uint8)
        for column, entry in enumerate(found):
            if entry is not None:
                rows = place[entry[0]]
                here = rows >= 0
                fields[rows[here], column] = entry[1][here]
        return fields
