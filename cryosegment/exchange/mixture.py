# SPDX-License-Identifier: GPL-3.0-or-later
"""Probabilities of candidates, from their scores and from how the scores of a data set spread."""

from __future__ import annotations

import numpy as np

OTHERS = (-1.0, 1.5)
"""Mean and standard deviation of the log odds of candidates that are no particles: on held-back
scenes, calibrated. The lowest score that is kept bounds them from below, so that data sets differ
little in them."""
PARTICLES, WEIGHT = (4.5, 1.3), 30.0
"""Log odds of clear particles, which a data set starts from, and how many of its own they weigh."""
SHARE, FEW = 0.7, 10
"""Of a large data set in the log odds; the rest is the calibration's. This few have half of it."""
STEPS, CLOSE = 300, 1e-4
"""Largest number of steps, and the change of the probabilities at which they end."""
NEAREST = 1e-6
"""Smallest distance of probabilities from 0 and 1."""


def probabilities_in_data_set(probabilities: np.ndarray) -> np.ndarray:
    """Probability of each candidate to be a particle, given all candidates of a data set.

    Parameters
    ----------
    probabilities
        By the calibration of the model, which knows the candidate alone, (n,).

    Returns
    -------
    numpy.ndarray
        In the same order, (n,); those of higher scores are never lower.

    Notes
    -----
    A calibration holds for the mean data set; in a clear one, a middling score is less than that.
    Log odds are taken for a mixture of two normal distributions: one of what is no particle, known
    from calibration, and one of particles, which is fitted by expectation maximisation with a prior
    (Bishop, Pattern Recognition and Machine Learning, 2006, 9.2). Beyond its mean on the far side
    of the other, neither loses to the other's tail. The result is a compromise with the
    calibration, since particles of very noisy micrographs are no normal distribution.
    """
    if not len(probabilities):
        return probabilities
    inside = np.clip(probabilities, NEAREST, 1 - NEAREST)
    log_odds = np.log(inside) - np.log1p(-inside)
    share = SHARE * len(inside) / (len(inside) + FEW)
    found = inside
    for _ in range(STEPS):
        before, found = found, _step(log_odds, found, share)
        if np.abs(found - before).max() < CLOSE:
            break
    return found


def _step(log_odds: np.ndarray, found: np.ndarray, share: float) -> np.ndarray:
    """Probabilities by the distribution of particles that earlier probabilities give."""
    weight, total = found.sum(), found.sum() + WEIGHT
    mean = (found @ log_odds + WEIGHT * PARTICLES[0]) / total
    prior = PARTICLES[1] ** 2 + (mean - PARTICLES[0]) ** 2
    variance = (found @ (log_odds - mean) ** 2 + WEIGHT * prior) / total
    odds = np.log((weight + 1) / (len(found) - weight + 1))
    odds = odds + _log_density(np.minimum(log_odds, mean), mean, variance**0.5)
    odds = odds - _log_density(np.maximum(log_odds, OTHERS[0]), *OTHERS)
    return np.asarray(1 / (1 + np.exp(-share * odds - (1 - share) * log_odds)))


def _log_density(values: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """Of a normal distribution, up to a constant."""
    return np.asarray(-0.5 * ((values - mean) / deviation) ** 2 - np.log(deviation))
