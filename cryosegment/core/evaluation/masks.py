# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks against those of a reference: pixels, outlines and instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool

from cryosegment.core.evaluation.boundaries import BoundaryCounts, count_boundaries
from cryosegment.core.evaluation.instances import (
    InstanceOutcome,
    Labels,
    compare_instances,
    join_instances,
    scores_of_instances,
)
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.evaluation.rules import OVERLAPS
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.evaluation import OVERALL, MaskMetrics, PixelMetrics


@dataclass(frozen=True)
class MaskOutcome:
    """Masks of one micrograph, or of several together, compared with the reference."""

    pixels: PixelCounts
    boundaries: BoundaryCounts
    instances: InstanceOutcome

    def metrics(self, name: str) -> MaskMetrics:
        """The figures, of a micrograph or of "overall"."""
        precisions = self.instances.average_precisions()
        return MaskMetrics(
            name,
            (_row("particle", self.pixels), _row("background", self.pixels.of_background())),
            self.boundaries.precision,
            self.boundaries.recall,
            self.boundaries.f1,
            len(self.instances.scores),
            self.instances.reference,
            OVERLAPS,
            tuple(precisions),
            float(np.mean(precisions)),
        )


def compare_masks(
    found: Labels,
    reference: Labels,
    picks: Coordinates,
    is_ignored: Bool[np.ndarray, "h w"],
    boundary_px: float,
) -> MaskOutcome:
    """Compare the instance masks of a micrograph: 0 is background, every number an instance.

    Parameters
    ----------
    found, reference
        Of the micrograph; pixels below 0 in the reference do not count.
    picks
        Picks whose scores rank the instances, in px of the masks.
    is_ignored
        Pixels that do not count.
    boundary_px
        Largest distance of a right outline, px.
    """
    known = ~is_ignored & (reference >= 0)
    mask, true, counts = map(torch.from_numpy, (found > 0, reference > 0, known))
    counted, particles = np.where(known, found, 0), np.where(known, reference, 0)
    scores = scores_of_instances(counted, picks.centers_yx, picks.ranking)
    return MaskOutcome(
        count_pixels(mask, true, counts),
        count_boundaries(mask, true, counts, boundary_px),
        compare_instances(counted, particles, scores),
    )


def join_masks(outcomes: Sequence[MaskOutcome]) -> MaskMetrics:
    """Figures of the masks of several micrographs together."""
    return MaskOutcome(
        sum((each.pixels for each in outcomes), PixelCounts()),
        sum((each.boundaries for each in outcomes), BoundaryCounts()),
        join_instances([each.instances for each in outcomes]),
    ).metrics(OVERALL)


def _row(name: str, counts: PixelCounts) -> PixelMetrics:
    return PixelMetrics(
        name, counts.accuracy, counts.precision, counts.recall, counts.f1, counts.iou
    )
