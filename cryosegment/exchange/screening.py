# SPDX-License-Identifier: GPL-3.0-or-later
"""Screening of picks: what each box may hold, and one probability from all that is known."""

from __future__ import annotations

import numpy as np

PARTICLE, INTERFERENCE, NOISE = "particle", "interference", "noise"
KINDS = (PARTICLE, INTERFERENCE, NOISE)
"""What a box may hold in its middle: a particle; contamination, a broken one, film; nothing."""

OWN_WEIGHT = 0.35
"""Weight of what the picker's score says beside the box and a picking model: all see the same, so
that they are no independent witnesses. Chosen on simulated micrographs of molecules of the
training, between 0.1 and 1, which differ little."""
FEWEST = 20
"""Scores of fewer picks say nothing."""
STEPS, CLOSE = 200, 1e-4
"""Largest number of steps, and the change of the probabilities at which they end."""
NEAREST = 1e-6
"""Smallest distance of scores from 0 and 1."""


def combine(particle: np.ndarray, picking: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Probability of each pick of a data set to be a particle, by all that is known of it.

    Parameters
    ----------
    particle
        Probability by the box alone, where particles are as frequent as all else, (n,).
    picking
        Probability by a picking model, (n,); NaN where there is none.
    scores
        The picker's, of any scale, higher for better picks, (n,); NaN where there is none.

    Notes
    -----
    How frequent particles are among the picks, and how their scores differ from those of others,
    is found by expectation maximisation: as Saerens, Latinne & Decaestecker (Neural Computation
    14 (2002), 21) adjust a classifier to new priors, with the scores, of which nothing is known, as
    two normal distributions of one width. The share of particles is halfway between what is found
    and a half: boxes alone do not tell for sure. Scores in [0, 1] are taken by their log odds. In
    the result, the picker's score counts less than in this search.
    """
    by_model = _log_odds(np.asarray(picking, np.float64))
    evidence = _log_odds(np.asarray(particle, np.float64))
    evidence = evidence + np.where(np.isfinite(by_model), by_model, 0.0)
    values, is_known = _spread(np.asarray(scores, np.float64)), np.isfinite(scores)
    odds, said = evidence, np.zeros(len(evidence))
    found = _sigmoid(odds)
    for _ in range(STEPS if len(found) else 0):
        before, share = found, (found.mean() + 0.5) / 2
        odds = evidence + np.log(share / (1 - share))
        if is_known.sum() >= FEWEST:
            said[is_known] = _said(values[is_known], found[is_known])
        found = _sigmoid(odds + said)
        if np.abs(found - before).max() < CLOSE:
            break
    return _sigmoid(odds + OWN_WEIGHT * said)


def _sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _spread(scores: np.ndarray) -> np.ndarray:
    """Scores on a scale without ends."""
    known = scores[np.isfinite(scores)]
    return _log_odds(scores) if len(known) and 0 <= known.min() <= known.max() <= 1 else scores


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    inside = np.clip(probabilities, NEAREST, 1 - NEAREST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _said(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Log odds by the scores alone: 0 halfway between particles and others, rising or nothing."""
    good = found @ values / found.sum()
    bad = (1 - found) @ values / (1 - found).sum()
    variance = (found @ (values - good) ** 2 + (1 - found) @ (values - bad) ** 2) / len(values)
    slope = max(0.0, good - bad) / max(variance, NEAREST)
    return np.asarray(slope * (values - (good + bad) / 2))
