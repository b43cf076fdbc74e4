"""The fitted numbers, read once from model.json (bench/matching_fit.py writes it)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODEL_FILE = Path(__file__).with_name("model.json")


@dataclass(frozen=True, slots=True)
class Model:
    """`rank` orders the candidates; `base` plus `trust` x (evidence - `typical`) is the log-odds that one is right.

    `general` is how often each word of general vocabulary occurs in a runbook (0..1).
    """

    rank: Mapping[str, float]
    trust: Mapping[str, float]
    typical: Mapping[str, float]
    base: float
    general: Mapping[str, float]


def load_model(path: Path = MODEL_FILE) -> Model:
    """Read the model file. Raises OSError or ValueError when it is not there or not one."""
    data = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Model(data["rank"], data["trust"], data["typical"], data["base"], data["general"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a matching model: {error}") from error
