"""The fitted numbers, read once from model.json (bench/matching_fit.py writes it)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODEL_FILE = Path(__file__).with_name("model.json")
THRESHOLD = 0.8  # the confidence from which a plan may run unattended: what `held` is measured against
FREE = 1.3  # log-odds (0.79) up to which nothing is held back
STEEP = 1.0  # so far above what twins of missing runbooks reach nothing is held back any more


@dataclass(frozen=True, slots=True)
class Model:
    """`rank` orders the candidates; `base` plus `trust` x (evidence - `typical`) is the log-odds that one is right.

    `held` is by how much these log-odds can be too high where only a twin of the right runbook is there. `general` is
    how often each word of general vocabulary occurs in a runbook (0..1).
    """

    rank: Mapping[str, float]
    trust: Mapping[str, float]
    typical: Mapping[str, float]
    base: float
    held: float
    general: Mapping[str, float]

    def fitted(self, row: Mapping[str, float]) -> float:
        """Return the log-odds that what was learnt gives to the evidence on one candidate."""
        return self.base + sum([weight * (row[name] - self.typical[name]) for name, weight in self.trust.items()])

    def held_back(self, log_odds: float) -> float:
        """Return what is taken off (0 or less): `held` where THRESHOLD comes to lie, less and less to both sides."""
        reach = log_odds_of(THRESHOLD) + self.held
        share = (log_odds - FREE) / (reach - FREE) if log_odds < reach else 1 - (log_odds - reach) / STEEP
        return -self.held * max(0.0, min(1.0, share))


def log_odds_of(probability: float) -> float:
    """Return the log-odds of a probability between 0 and 1."""
    return math.log(probability / (1 - probability))


def load_model(path: Path = MODEL_FILE) -> Model:
    """Read the model file. Raises OSError or ValueError when it is not there or not one."""
    data = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Model(data["rank"], data["trust"], data["typical"], data["base"], data["held"], data["general"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a matching model: {error}") from error
