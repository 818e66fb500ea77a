# SPDX-License-Identifier: GPL-3.0-or-later
"""Histograms of scores with a threshold to move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

BINS = 100
"""Bins of a histogram, between which its threshold can be moved."""


@dataclass(frozen=True)
class Histogram:
    """How many have which score, and which of them are kept.

    Parameters
    ----------
    name, meaning
        Of the score, its meaning with its unit.
    edges
        Of the bins.
    kept, dropped
        Numbers in each bin.
    is_rising
        Whether higher is better.
    """

    name: str
    meaning: str
    edges: Sequence[float]
    kept: Sequence[int]
    dropped: Sequence[int]
    is_rising: bool = True


def histogram_of(
    values: Float[np.ndarray, " n"],
    is_kept: Bool[np.ndarray, " n"],
    name: str,
    meaning: str,
    is_rising: bool = True,
) -> Histogram | None:
    """Histogram of a score, without those that have none; None where none has one."""
    known = np.isfinite(values)
    if not known.any():
        return None
    low, high = values[known].min(), values[known].max()
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    kept, dropped = (
        np.histogram(values[known & chosen], edges)[0].tolist() for chosen in (is_kept, ~is_kept)
    )
    return Histogram(name, meaning, edges.tolist(), kept, dropped, is_rising)


@dataclass(frozen=True)
class Thresholds:
    """Histograms of scores, of which one is shown, and a command that takes what is chosen.

    Parameters
    ----------
    histograms
        Of each score.
    score, threshold
        Those of the run; the threshold is NaN where there was none.
    command
        What chooses anew: a command line that score and threshold are added to.
    """

    template: ClassVar[str] = "thresholds.html"
    histograms: Sequence[Histogram]
    score: str
    threshold: float
    command: str

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script needs."""
        return {
            "histograms": [asdict(each) for each in self.histograms],
            "score": self.score,
            "threshold": None if math.isnan(self.threshold) else self.threshold,
            "command": self.command,
        }
