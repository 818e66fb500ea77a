# SPDX-License-Identifier: GPL-3.0-or-later
"""All figures of sets of picks and masks against one reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

import numpy as np

from cryosegment.exchange.evaluation.figures import (
    BoxMetrics,
    Curve,
    DistanceMetrics,
    Figures,
    MaskMetrics,
    MicrographMetrics,
    ParticleMetrics,
    PixelMetrics,
    ReliabilityBin,
)


@dataclass(frozen=True)
class SetEvaluation(Figures):
    """All figures of one set of picks.

    Parameters
    ----------
    name
        Of the set.
    overall
        Of all micrographs together: counts are summed, picks ranked in one list.
    micrographs
        Of each micrograph of the reference, by name.
    curve
        Precision, recall and F1 of all picks over their scores.
    unpicked
        Micrographs of the reference without picks: all their particles are missed.
    unreferenced
        Micrographs with picks but without reference: left out of every figure.
    intervals
        Low and high end of the 95 % interval of figures of `overall`, by their names.
    mean_count_error
        Mean over the micrographs of the size of the count error.
    center_errors
        Distances of matched picks from their particles in Å: 101 quantiles, from least to largest.
    reliability
        Scores against the part that is right; empty where scores are no probabilities.
    distances
        Figures at further distances.
    boxes, discs
        Figures by the published protocols that were asked for; see `BoxMetrics`, and of
        CryoSegNet's discs one row of all pixels, one of the mean over the micrographs and one of
        the best of each.
    masks, mask_micrographs
        Figures of the masks, of all and of each micrograph, where masks were given.
    file, mask_folder
        Where picks and masks were read from; "" if they came from no file.
    """

    name: str
    overall: ParticleMetrics
    micrographs: Tuple[MicrographMetrics, ...]
    curve: Curve
    unpicked: Tuple[str, ...] = ()
    unreferenced: Tuple[str, ...] = ()
    intervals: Dict[str, Tuple[float, float]] = field(default_factory=dict)
    mean_count_error: float = math.nan
    center_errors: Tuple[float, ...] = ()
    reliability: Tuple[ReliabilityBin, ...] = ()
    distances: Tuple[DistanceMetrics, ...] = ()
    boxes: Optional[BoxMetrics] = None
    discs: Tuple[PixelMetrics, ...] = ()
    masks: Optional[MaskMetrics] = None
    mask_micrographs: Tuple[MaskMetrics, ...] = ()
    file: str = ""
    mask_folder: str = ""

    @property
    def best_point(self) -> Optional[Tuple[float, float]]:
        """Recall and precision on the curve at the best threshold; None where there is none."""
        if math.isnan(self.overall.best_threshold):
            return None
        away = np.abs(np.array(self.curve.thresholds) - self.overall.best_threshold)
        row = int(np.nanargmin(away))  # the thresholds of the curve are rounded, NaN without scores
        return self.curve.recall[row], self.curve.precision[row]

    def lacking(self) -> List[str]:
        """What picks and reference do not share, in words."""
        every, found = len(self.micrographs), []
        picked = every - len(self.unpicked) + len(self.unreferenced)
        if self.unpicked:
            found.append(
                f"no picks on {len(self.unpicked)} of {every} micrographs of the reference, such "
                f"as {self.unpicked[0]}"
            )
        if self.unreferenced:
            found.append(
                f"no reference for {len(self.unreferenced)} of {picked} micrographs with picks, "
                f"such as {self.unreferenced[0]}, which do not count"
            )
        return found


@dataclass(frozen=True)
class Difference(Figures):
    """By how much a figure of one set is above that of another, with its 95 % interval.

    Both are drawn on the same micrographs, so the interval is that of the difference, and one that
    does not hold 0 says that one is better.
    """

    first: str
    second: str
    figure: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation(Figures):
    """All sets against one reference.

    Parameters
    ----------
    reference
        File or folder of the reference.
    diameter
        Particle diameter, Å.
    distance
        Largest distance of a match, Å.
    pixel_size
        Of the micrographs, Å/px.
    beta
        Weight of the recall in F-beta: so many times that of the precision.
    sets
        In the order in which they were given.
    differences
        Between the sets.
    y_up, height
        Whether y of the reference counts from the last row, and of how many rows (0: not needed).
    box, overlap
        Side of the boxes (Å) and their least intersection over union, where these make a match in
        place of the distance; else 0.
    """

    reference: str
    diameter: float
    distance: float
    pixel_size: float
    beta: float
    sets: Tuple[SetEvaluation, ...]
    differences: Tuple[Difference, ...] = ()
    y_up: bool = False
    height: int = 0
    box: float = 0.0
    overlap: float = 0.0

    @property
    def best(self) -> SetEvaluation:
        """The set of the highest F1."""
        return max(self.sets, key=lambda own: (own.overall.f1 == own.overall.f1, own.overall.f1))

    @property
    def rule(self) -> str:
        """When a pick is right, in words."""
        if self.overlap:
            return f"its box of {self.box:.4g} Å overlaps that of a particle by {self.overlap:g}"
        return f"it lies within {self.distance:.4g} Å of a particle"
