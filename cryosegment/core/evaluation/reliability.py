# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether scores are the probabilities that picks are right."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.evaluation.curves import Counts, divided
from cryosegment.core.evaluation.outcomes import Outcome
from cryosegment.exchange.evaluation import ReliabilityBin

BINS = 10
"""Of equal width, from 0 to 1."""


def sums_by_bin(
    scores: Float[np.ndarray, " picks"], hits: Bool[np.ndarray, " picks"]
) -> Float[np.ndarray, "3 bins"]:
    """Numbers of picks, sums of their scores and numbers of right picks in bins of the score."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    weights = (np.ones(len(scores)), scores, hits.astype(float))
    # of no picks bincount gives whole numbers
    return np.stack([np.bincount(bins, each, minlength=BINS) for each in weights]).astype(float)


def are_probabilities(outcome: Outcome) -> bool:
    """Whether every pick has a score from 0 to 1."""
    scores = outcome.scores
    return bool(outcome.is_scored and len(scores) and scores.min() >= 0 and scores.max() <= 1)


def calibration_error(sums: Float[np.ndarray, "*sets 3 bins"]) -> Counts:
    """Expected calibration error from sums by bin; nan without picks.

    Notes
    -----
    Naeini, Cooper & Hauskrecht, AAAI 2015: the distance of the mean score from the part that is
    right, averaged over the picks.
    """
    picks, scores, hits = np.moveaxis(sums, -2, 0)
    return divided(np.asarray(np.abs(hits - scores).sum(-1)), np.asarray(picks.sum(-1)))


def reliability(outcome: Outcome) -> tuple[ReliabilityBin, ...]:
    """Picks by score, beside the part that is right; empty where scores are no probabilities."""
    if not are_probabilities(outcome):
        return ()
    columns = sums_by_bin(outcome.scores, outcome.hits).T.tolist()
    return tuple(
        ReliabilityBin(i / BINS, (i + 1) / BINS, int(picks), scores / picks, hits / picks)
        for i, (picks, scores, hits) in enumerate(columns)
        if picks
    )
