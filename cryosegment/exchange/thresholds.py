# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds chosen from the candidates of a whole data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING = 1.0
"""Threshold if there is no candidate, or none is good enough."""


@dataclass(frozen=True)
class Expected:
    """Expected composition of the picks at a threshold.

    Parameters
    ----------
    picks
        Candidates at or above the threshold.
    particles
        Expected number of particles among them.
    total
        Expected number of particles among all candidates.
    """

    picks: int
    particles: float
    total: float

    @property
    def precision(self) -> float:
        """Fraction of the picks that are particles; 1 without picks."""
        return self.particles / self.picks if self.picks else 1.0

    @property
    def recall(self) -> float:
        """Fraction of the particles among the candidates that is picked; 1 without particles."""
        return self.particles / self.total if self.total > 0 else 1.0


def expected(scores: np.ndarray, probabilities: np.ndarray, threshold: float) -> Expected:
    """Expected composition of the picks at a threshold.

    Parameters
    ----------
    scores
        Score of each candidate, (n,).
    probabilities
        Probability of each to be a particle, (n,).
    threshold
        Lowest score of a pick.
    """
    chosen = probabilities[scores >= threshold]
    return Expected(len(chosen), float(chosen.sum()), float(probabilities.sum()))


def threshold_of_best_f1(scores: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold at which the expected F1 is highest.

    Parameters
    ----------
    scores
        Score of each candidate, (n,).
    probabilities
        Probability of each to be a particle, (n,), which rises with the score.

    Notes
    -----
    Of the k best candidates, the sum of their probabilities is the expected number of particles
    among them, and the sum over all candidates the number of particles. A candidate raises F1 if
    its probability is more than half of it (Lipton, Elkan & Naryanaswamy, 2014).
    """
    if not len(scores):
        return NOTHING
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(probabilities[order])
    f1 = 2 * found / (np.arange(1, len(found) + 1) + found[-1])
    return float(scores[order[np.argmax(f1)]])


def threshold_of_precision(
    scores: np.ndarray, probabilities: np.ndarray, precision: float
) -> float:
    """The lowest threshold at which at least a given fraction of the picks are particles.

    Parameters
    ----------
    scores
        Score of each candidate, (n,).
    probabilities
        Probability of each to be a particle, (n,), which rises with the score.
    precision
        The fraction, in [0, 1].
    """
    order = np.argsort(-scores, kind="stable")
    best_first, found = scores[order], np.cumsum(probabilities[order])
    are_whole = np.append(best_first[1:] < best_first[:-1], True)[
        : len(found)
    ]  # ties stay together
    enough = np.flatnonzero(are_whole & (found >= precision * np.arange(1, len(found) + 1)))
    return float(best_first[enough[-1]]) if len(enough) else NOTHING


def threshold_of_number(scores: np.ndarray, number: int) -> float:
    """The threshold that a given number of candidates reach, or all if there are fewer.

    More reach it where the score of the last one is that of others: these are all picks.

    Parameters
    ----------
    scores
        Score of each candidate, (n,).
    number
        Number of picks.
    """
    best_first = np.sort(scores)[::-1]
    if not len(best_first):
        return NOTHING
    if number >= len(best_first):
        return 0.0
    return float(best_first[number - 1] + best_first[number]) / 2
