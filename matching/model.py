"""The fitted numbers, read once from model.json."""

import json
from dataclasses import dataclass
from pathlib import Path

MODEL_FILE = Path(__file__).with_name("model.json")


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of the evidence: `rank` orders the candidates, `trust` is log-odds that one of them is right."""

    rank: dict[str, float]
    trust: dict[str, float]
    bias: float
    general: dict[str, float]


def load_model(path: Path = MODEL_FILE) -> Model:
    """Read the model file. Raises OSError or ValueError when it is not there or not one."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Model(rank=data["rank"], trust=data["trust"], bias=data["bias"], general=data["general"])
