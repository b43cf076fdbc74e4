"""The three small fits, in numpy: which of several, whether at all, and at what level."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = 300
RATE = 0.05


def fit_choice(
    evidence: Floats, offset: Floats, right: NDArray[np.bool_], weight: Floats, shrinkage: float, sign: Floats
) -> Floats:
    """Return weights (features) under which the right candidates win: a conditional logit.

    `evidence` is cases x candidates x features, `offset` cases x candidates (-1e9 where there is no candidate).
    """
    present = offset > -1e8
    scale = evidence[present].std(axis=0) + 1e-6
    scaled = evidence / scale
    share = weight / weight.sum()

    def slope(weights: Floats) -> Floats:
        score = scaled @ weights + offset
        score -= score.max(axis=1, keepdims=True)
        chance = np.exp(score)
        chance /= chance.sum(axis=1, keepdims=True)
        wanted = np.where(right, chance, 0.0)
        wanted /= wanted.sum(axis=1, keepdims=True) + 1e-30
        found: Floats = np.einsum("i,ij,ijf->f", share, chance - wanted, scaled) + shrinkage * weights
        return found

    result: Floats = _descend(slope, np.zeros(evidence.shape[2]), sign) / scale
    return result


def fit_logistic(
    evidence: Floats, right: Floats, weight: Floats, offset: Floats, shrinkage: float, sign: Floats
) -> tuple[Floats, float]:
    """Return the weights and the base of a logistic regression with fixed signs and an offset."""
    middle, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-6
    scaled = np.column_stack([(evidence - middle) / scale, np.ones(len(evidence))])
    share = weight / weight.sum()
    shrink = np.append(np.full(evidence.shape[1], shrinkage), 0.0)

    def slope(weights: Floats) -> Floats:
        chance = 1 / (1 + np.exp(-(scaled @ weights + offset)))
        found: Floats = scaled.T @ (share * (chance - right)) + shrink * weights
        return found

    found = _descend(slope, np.zeros(evidence.shape[1] + 1), np.append(sign, 0.0), steps=2 * STEPS)
    weights = found[:-1] / scale
    return weights, float(found[-1] - weights @ middle)


def scale_to(held_out: Floats, right: Floats, weight: Floats, offset: Floats) -> tuple[float, float]:
    """Return the stretch and shift that make held-out log-odds (plus an offset) probabilities: Platt's scaling."""
    stretch, shift = 1.0, 0.0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(stretch * held_out + shift + offset)))
        error, spread = weight * (chance - right), weight * chance * (1 - chance)
        slope = np.array([error @ held_out, error.sum()])
        bend = np.array([[spread @ held_out**2, spread @ held_out], [spread @ held_out, spread.sum()]])
        step = np.linalg.solve(bend + 1e-6 * np.eye(2), slope)
        stretch, shift = stretch - float(step[0]), shift - float(step[1])
    return stretch, shift


def _descend(slope, start: Floats, sign: Floats, steps: int = STEPS) -> Floats:  # type: ignore[no-untyped-def]
    """Adam with projection: a weight of the wrong sign is set to 0."""
    weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, steps + 1):
        found = slope(weights)
        mean = 0.9 * mean + 0.1 * found
        square = 0.99 * square + 0.01 * found**2
        weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights = np.where(weights * sign < 0, 0.0, weights)
    return weights
