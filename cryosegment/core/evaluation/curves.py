# SPDX-License-Identifier: GPL-3.0-or-later
"""Precision and recall of ranked picks, and what is read from their curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.exchange.evaluation import Curve

POINTS = 400
"""Points that are kept of a long curve."""
Counts = Float[np.ndarray, "*sets"]
Totals = Float[np.ndarray, "*#sets"] | float


@dataclass(frozen=True)
class RankedCounts:
    """Counts of the picks that score at least each threshold, highest threshold first.

    Parameters
    ----------
    thresholds
        Every score that occurs.
    found, picked
        How many of the picks are right, and how many there are.
    reference
        Number of reference particles.
    """

    thresholds: Float[np.ndarray, " n"]
    found: Float[np.ndarray, " n"]
    picked: Float[np.ndarray, " n"]
    reference: int

    @property
    def average_precision(self) -> float:
        """Mean precision over the recall; 0 without picks, nan without reference."""
        return float(average_precision(self.found, self.picked, self.reference))

    @property
    def best(self) -> tuple[float, float]:
        """Highest F1 and its threshold; nan without picks or without reference."""
        if not len(self.thresholds) or not self.reference:
            return float("nan"), float("nan")
        f1 = f1_score(self.found, self.picked, self.reference)
        best = int(np.argmax(f1))
        return float(f1[best]), float(self.thresholds[best])

    def curve(self) -> Curve:
        """Its points, of many only some, evenly over the picks, and the one of the best F1."""
        f1 = f1_score(self.found, self.picked, self.reference)
        kept = np.arange(len(f1))
        if len(f1) > POINTS:
            even = np.linspace(1, self.picked[-1], POINTS)
            places = np.minimum(np.searchsorted(self.picked, even), len(f1) - 1)
            kept = np.unique(np.append(places, np.argmax(f1)))
        recall = divided(self.found, self.reference)
        parts = (self.thresholds, self.found / self.picked, recall, f1)
        return Curve(*(tuple(np.round(part[kept], 6).tolist()) for part in parts))


def rank(
    scores: Float[np.ndarray, " picks"], hits: Bool[np.ndarray, " picks"], reference: int
) -> RankedCounts:
    """Counts of picks at each of their scores; equal scores are one step."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_score = np.flatnonzero(np.diff(ranked, append=-np.inf))
    found = np.cumsum(hits[order])[last_of_score]
    return RankedCounts(ranked[last_of_score], found.astype(float), last_of_score + 1.0, reference)


def average_precision(
    found: Float[np.ndarray, "*sets n"],
    picked: Float[np.ndarray, "*sets n"],
    reference: Totals,
) -> Counts:
    """Sum of the precision over the steps of the recall, of picks from the best to the worst.

    Parameters
    ----------
    found, picked
        Numbers of right picks and of picks down to each step, which do not fall.
    reference
        Number of reference particles; without any the result is nan.
    """
    steps = np.diff(found, prepend=0.0)
    return divided(np.asarray((steps * found / np.maximum(picked, 1)).sum(-1)), reference)


def f1_score(found: Counts, picked: Counts, reference: Totals, beta: float = 1.0) -> Counts:
    """F-beta of counts of right picks, picks and particles; nan without any of the last two.

    Notes
    -----
    van Rijsbergen, Information Retrieval, 1979: recall weighs `beta` times as much as precision.
    """
    return divided((1 + beta**2) * found, picked + beta**2 * reference)


def divided(part: Counts, whole: Totals) -> Counts:
    """`part` / `whole`; nan where `whole` is 0."""
    return np.asarray(part / np.where(whole == 0, np.nan, whole))
