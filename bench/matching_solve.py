"""The three small fits, in numpy: which of several, whether at all, and at what level."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS, HALVINGS, ENOUGH = 25, 12, 1e-4


def fit_choice(
    evidence: Floats, offset: Floats, right: NDArray[np.bool_], weight: Floats, shrinkage: float, sign: Floats
) -> Floats:
    """Return weights (features) under which the right candidates win: a conditional logit.

    `evidence` is cases x candidates x features, `offset` cases x candidates (-1e9 where there is no candidate).
    """
    scale = evidence[offset > -1e8].std(axis=0) + 1e-6
    scaled = evidence / scale
    share = weight / weight.sum()
    count = evidence.shape[2]

    def bend(weights: Floats) -> tuple[float, Floats, Floats]:
        score = scaled @ weights + offset
        score -= score.max(axis=1, keepdims=True)
        chance = np.exp(score)
        total = chance.sum(axis=1)
        wanted = np.where(right, chance, 0.0)
        held = wanted.sum(axis=1) + 1e-30
        loss = float(share @ (np.log(total) - np.log(held)) + shrinkage / 2 * weights @ weights)
        chance, wanted = chance / total[:, None], wanted / held[:, None]
        slope = (share[:, None] * (chance - wanted)).ravel() @ scaled.reshape(-1, count) + shrinkage * weights
        apart = (scaled - (chance[:, None, :] @ scaled)).reshape(-1, count)
        curve = (apart * (share[:, None] * chance).reshape(-1, 1)).T @ apart + shrinkage * np.eye(count)
        return loss, slope, curve

    result: Floats = _descend(bend, sign) / scale
    return result


def fit_logistic(
    evidence: Floats, right: Floats, weight: Floats, offset: Floats, shrinkage: float, sign: Floats
) -> tuple[Floats, float]:
    """Return the weights and the base of a logistic regression with fixed signs and an offset."""
    middle, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-6
    scaled = np.column_stack([(evidence - middle) / scale, np.ones(len(evidence))])
    share = weight / weight.sum()
    shrink = np.append(np.full(evidence.shape[1], shrinkage), 0.0)

    def bend(weights: Floats) -> tuple[float, Floats, Floats]:
        level = scaled @ weights + offset
        loss = float(share @ (np.logaddexp(0, level) - right * level) + shrink / 2 @ weights**2)
        chance = 1 / (1 + np.exp(-level))
        slope = scaled.T @ (share * (chance - right)) + shrink * weights
        return loss, slope, (scaled * (share * chance * (1 - chance))[:, None]).T @ scaled + np.diag(shrink)

    found = _descend(bend, np.append(sign, 0.0))
    weights = found[:-1] / scale
    return weights, float(found[-1] - weights @ middle)


def scale_to(held_out: Floats, right: Floats, weight: Floats, offset: Floats) -> tuple[float, float]:
    """Return the stretch and shift that make held-out log-odds (plus an offset) probabilities: Platt's scaling."""
    slopes, base = fit_logistic(held_out[:, None], right, weight, offset, 1e-6, np.ones(1))
    return float(slopes[0]), base


def _descend(bend: Callable[[Floats], tuple[float, Floats, Floats]], sign: Floats) -> Floats:
    """Newton's steps with projection: a weight of the wrong sign is set to 0. `bend` gives loss, slope and curve."""
    weights = np.zeros(len(sign))
    loss, slope, curve = bend(weights)
    for _ in range(STEPS):
        free = ~((weights == 0) & (sign != 0) & (slope * sign >= 0))
        step = np.zeros(len(sign))
        inner = curve[np.ix_(free, free)] + 1e-9 * np.eye(int(free.sum()))
        step[free] = np.linalg.solve(inner, slope[free])
        for halving in range(HALVINGS):
            moved = weights - step / 2**halving
            moved = np.where(moved * sign < 0, 0.0, moved)
            found = bend(moved)
            if found[0] <= loss:
                break
        change = float(np.abs(moved - weights).max())
        weights, (loss, slope, curve) = moved, found
        if change < ENOUGH:
            break
    return weights
