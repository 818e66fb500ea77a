# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of one micrograph or of all: of picks, their curves, and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cryosegment.exchange.records import Record

OVERALL = "overall"
PAIRED, ALONE, DUPLICATE, IGNORED = "+-=."
"""Marks of a pick: it has a particle; it has none; it is near a particle that a better pick has; it
does not count. A particle of the reference has the first, the second (it is missed) or the last."""


@dataclass(frozen=True)
class Figures(Record):
    """What was measured; any number may be NaN."""

    def __post_init__(self) -> None:
        """Figures have no bounds to check."""


@dataclass(frozen=True)
class ParticleMetrics(Figures):
    """Figures of the picks of one micrograph or of all; NaN where there is nothing to measure.

    Parameters
    ----------
    name
        Micrograph, or "overall".
    picks, reference
        Numbers of picks and of reference particles that count.
    true_positives
        Picks matched one to one to a reference particle within the distance.
    false_positives, false_negatives
        Picks without a particle, and particles without a pick.
    duplicates
        False positives within the distance of a particle, which another pick has.
    precision, recall, f1, f_beta
        Part of the picks that are right, of the particles that are picked, and their weighted
        harmonic means.
    average_precision
        Mean precision over the recall, picks ranked by score.
    best_f1, best_threshold
        Highest F1 of the picks that score at least a threshold, and that threshold.
    center_error_mean, center_error_median
        Distance of the matched picks from their particles, Å.
    count_error
        Surplus of picks over particles (negative: lack), as a part of the particles.
    calibration_error
        Mean distance of the scores from the part that is right, where scores are probabilities.
    """

    name: str
    picks: int
    reference: int
    true_positives: int
    false_positives: int
    false_negatives: int
    duplicates: int
    precision: float
    recall: float
    f1: float
    f_beta: float
    average_precision: float
    best_f1: float
    best_threshold: float
    center_error_mean: float
    center_error_median: float
    count_error: float
    calibration_error: float


@dataclass(frozen=True)
class MicrographMetrics(ParticleMetrics):
    """Figures of a micrograph, and which of its picks and particles are right.

    Parameters
    ----------
    pick_marks, reference_marks
        A sign for each pick and each reference particle, in the order of their files: `PAIRED`,
        `ALONE`, `DUPLICATE` or `IGNORED`. The picks above any threshold have as many pairs as are
        marked among them.
    """

    pick_marks: str
    reference_marks: str


@dataclass(frozen=True)
class Curve(Figures):
    """Figures of the picks that score at least each threshold, highest threshold first.

    Of long curves so many points are kept that none moves visibly.
    """

    thresholds: Tuple[float, ...]
    precision: Tuple[float, ...]
    recall: Tuple[float, ...]
    f1: Tuple[float, ...]


@dataclass(frozen=True)
class ReliabilityBin(Figures):
    """Picks with scores from `low` to `high`, their mean score, and the part that is right."""

    low: float
    high: float
    picks: int
    mean_score: float
    precision: float


@dataclass(frozen=True)
class DistanceMetrics(Figures):
    """Figures where picks up to a `distance` in Å count as right."""

    distance: float
    precision: float
    recall: float
    f1: float
    f_beta: float
    average_precision: float


@dataclass(frozen=True)
class BoxMetrics(Figures):
    """Figures of boxes that match where they overlap enough, as detectors are scored.

    Parameters
    ----------
    side
        Of the boxes, Å.
    overlaps
        Least intersection over union of a match.
    precision, recall, average_precision
        At each of them.
    mean_average_precision
        Mean of the average precisions.
    """

    side: float
    overlaps: Tuple[float, ...]
    precision: Tuple[float, ...]
    recall: Tuple[float, ...]
    average_precision: Tuple[float, ...]
    mean_average_precision: float


@dataclass(frozen=True)
class PixelMetrics(Figures):
    """Figures of the pixels of a class, or of discs around picks and particles."""

    name: str
    accuracy: float
    precision: float
    recall: float
    f1: float
    iou: float


@dataclass(frozen=True)
class MaskMetrics(Figures):
    """Figures of the masks of one micrograph or of all.

    Parameters
    ----------
    name
        Micrograph, or "overall".
    classes
        Pixels of the particles and of the background.
    boundary_precision, boundary_recall, boundary_f1
        Of the outlines of the particles, within the boundary tolerance.
    instances, reference
        Numbers of instances that count.
    overlaps, average_precision
        Least intersection over union of a right instance, and the average precision there.
    mean_average_precision
        Mean of the average precisions.
    """

    name: str
    classes: Tuple[PixelMetrics, ...]
    boundary_precision: float
    boundary_recall: float
    boundary_f1: float
    instances: int
    reference: int
    overlaps: Tuple[float, ...]
    average_precision: Tuple[float, ...]
    mean_average_precision: float
