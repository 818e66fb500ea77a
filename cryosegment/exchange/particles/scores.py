# SPDX-License-Identifier: GPL-3.0-or-later
"""What particle images are scored by, and which particles to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.thresholds import threshold_of_best_f1, threshold_of_precision

QUALITY, ETS, AGREEMENT = "quality", "ets", "agreement"
UNBIASED = "Scores come from the images alone, and from nothing that a refinement has found."
BIASED = (
    "The agreement, and with it the quality, comes from the map and the poses: what is kept agrees "
    "with this map at resolutions finer than those of the alignment, noise included. A resolution "
    "that is measured there on these particles alone is too good."
)


@dataclass(frozen=True)
class Score:
    """A score of particle images.

    Parameters
    ----------
    column
        What its name in particle files ends with.
    meaning
        What it is, in words.
    unit
        Its unit; empty for a number.
    is_rising
        Whether higher is better.
    """

    column: str
    meaning: str
    unit: str = ""
    is_rising: bool = True


SCORES: Dict[str, Score] = {
    QUALITY: Score("Quality", "probability that the image holds a good particle in its middle"),
    ETS: Score("ETS", "edge-to-signal ratio: pixels of the edge over pixels of the signal"),
    "signal_fraction": Score("SignalFraction", "share of the pixels that are signal"),
    "centring": Score("Centring", "distance of the particle from the middle", "Å", is_rising=False),
    "compactness": Score("Compactness", "area of the particle over that of its convex hull"),
    "margin": Score("Margin", "by how much the class of a pixel leads, on average"),
    "neighbours": Score("Neighbours", "other bodies in the image", is_rising=False),
    AGREEMENT: Score(
        "Agreement", "correlation with the map at resolutions finer than those that aligned"
    ),
}
"""Scores by name, in the order of tables."""


def known_scores(scores: Mapping[str, np.ndarray]) -> List[str]:
    """Names of the scores that any particle has."""
    return [name for name in SCORES if np.isfinite(scores[name]).any()]


def bias_of(scores: Mapping[str, np.ndarray]) -> str:
    """Whether a refinement has a say in the scores, in words."""
    return BIASED if AGREEMENT in known_scores(scores) else UNBIASED


@dataclass(frozen=True, eq=False)
class Selection:
    """Which particles are kept.

    Parameters
    ----------
    chosen
        Whether each is, (n,); those that have no score are not.
    score
        Name of the score that decides.
    threshold
        Lowest value of the kept, or highest where lower is better; NaN if none is kept.
    """

    chosen: np.ndarray
    score: str
    threshold: float

    def in_words(self) -> str:
        """What the kept particles have in common."""
        score = SCORES[self.score]
        bound = "at least" if score.is_rising else "at most"
        unit = f" {score.unit}" if score.unit else ""
        return f"{self.score.replace('_', ' ')} {bound} {self.threshold:.3g}{unit}"


def select(
    scores: Mapping[str, np.ndarray],
    score: str = QUALITY,
    fraction: Optional[float] = None,
    threshold: Optional[float] = None,
    purity: Optional[float] = None,
) -> Selection:
    """The particles to keep: by one of three wishes, or at the quality of the best expected F1.

    Parameters
    ----------
    scores
        Values of each particle, (n,), by name; NaN where it has none.
    score
        Name of the score that decides.
    fraction
        Part of the particles that have a score, the best.
    threshold
        Value of the worst that is kept.
    purity
        Part of the kept that are good, as far as the quality tells; as many as can be are kept.

    Raises
    ------
    InputError
        If no particle has the score.
    """
    values = np.asarray(scores[score], dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError(
            f"expected particles with the score {score}, found none: choose another --score, "
            "or a model that tells it"
        )
    if fraction is not None:
        return _best(values, score, fraction)
    if purity is not None:
        threshold = threshold_of_precision(known, known, purity)
    elif threshold is None:
        threshold = threshold_of_best_f1(known, known)
    with np.errstate(invalid="ignore"):
        chosen = values >= threshold if SCORES[score].is_rising else values <= threshold
    return Selection(chosen, score, threshold)


def _best(values: np.ndarray, score: str, fraction: float) -> Selection:
    """The best particles; of equal ones, the first."""
    order = np.argsort(-values if SCORES[score].is_rising else values, kind="stable")  # NaN last
    number = round(fraction * int(np.isfinite(values).sum()))
    chosen = np.zeros(len(values), bool)
    chosen[order[:number]] = True
    return Selection(chosen, score, float(values[order[number - 1]]) if number else float("nan"))
