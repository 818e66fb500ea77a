# SPDX-License-Identifier: GPL-3.0-or-later
"""Probabilities that poses are right, from how the agreements of a data set spread."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

PRIOR = 4.0, 5.0
"""Where few agree worse than by chance, half of the particles agree by this many standard
deviations of chance; and how many particles that counts for."""
LEAST_SPREAD = 0.3
"""Standard deviation of right poses, at least, in those of chance."""
STEPS, CLOSE = 300, 1e-4
"""Largest number of steps, and the change of the probabilities at which they end."""


def right_poses(agreements: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Probability of each pose to be right, given all agreements of a data set.

    Parameters
    ----------
    agreements
        Correlations with the map, of which wrong poses have values around 0; NaN where unknown.

    Returns
    -------
    In the same order; higher agreements never have lower ones. Where the agreement is not known,
    the share of the right ones among the others.

    Notes
    -----
    The agreements are taken for a mixture of two normal distributions: chance, whose mean is 0 and
    whose spread is told by those that are below 0, and right poses, fitted by expectation
    maximisation (Bishop, Pattern Recognition and Machine Learning, 2006, 9.2). Beyond its mean on
    the far side of the other, neither loses to the other's tail.
    """
    found = np.ones(len(agreements))
    known = np.isfinite(agreements)
    if known.any():
        found[known] = _fitted(agreements[known].astype(np.float64))
        found[~known] = found[known].mean()
    return found


def _fitted(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    chance = _spread_of_chance(values)
    found = 1 / (1 + np.exp(2 - values / chance))
    for _ in range(STEPS):
        before, found = found, _step(values, found, chance)
        if np.abs(found - before).max() < CLOSE:
            break
    return found


def _spread_of_chance(values: Float[np.ndarray, " n"]) -> float:
    """Standard deviation of wrong poses, which are as often below 0 as above."""
    below = values[values < 0]
    usual = np.median(np.abs(values)) / PRIOR[0]
    square = (below @ below + PRIOR[1] * usual**2) / (len(below) + PRIOR[1])
    return float(max(np.sqrt(square), np.finfo(np.float32).tiny))


def _step(
    values: Float[np.ndarray, " n"], found: Float[np.ndarray, " n"], chance: float
) -> Float[np.ndarray, " n"]:
    """Probabilities by the distribution of right poses that earlier probabilities give."""
    weight = found.sum() + np.finfo(np.float32).tiny
    mean = max(found @ values / weight, chance)
    variance = found @ (values - mean) ** 2 / weight + (LEAST_SPREAD * chance) ** 2
    odds = np.log((weight + 1) / (len(values) - weight + 1))
    odds = odds + _log_density(np.minimum(values, mean), mean, np.sqrt(variance))
    odds = odds - _log_density(np.maximum(values, 0.0), 0.0, chance)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _log_density(
    values: Float[np.ndarray, " n"], mean: float, deviation: float
) -> Float[np.ndarray, " n"]:
    """Of a normal distribution, up to a constant."""
    return np.asarray(-0.5 * ((values - mean) / deviation) ** 2 - np.log(deviation))
