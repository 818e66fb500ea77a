# SPDX-License-Identifier: GPL-3.0-or-later
"""Agreement of labels with a segmentation that does not use them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.evaluation.matching import match
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels, ratio
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.picking.centers import away_from_edge
from cryosegment.core.quality.segmentation import EDGE, Segmentation
from cryosegment.exchange.labels import CONTAMINATION, UNKNOWN

TOLERANCE = 0.25
"""Largest distance of two centres of the same particle, in diameters."""


@dataclass(frozen=True)
class Agreement:
    """Labels of one micrograph compared with a segmentation.

    Attributes
    ----------
    pixels
        Pixel counts of the labels with the segmentation as reference, outside unknown areas.
    judged
        Mask of the labelled particles that are compared: far enough from the border to be found.
    supported
        Mask of those that the segmentation finds, too.
    strong
        Number of particles that the segmentation finds outside unknown areas.
    unlabelled_yx
        Centres of those without a label, px of the micrograph.
    """

    pixels: PixelCounts
    judged: Bool[np.ndarray, " n"]
    supported: Bool[np.ndarray, " n"]
    strong: int
    unlabelled_yx: Float[np.ndarray, "m 2"]

    @property
    def supported_part(self) -> float:
        """Fraction of the compared labels that the segmentation finds; nan without any."""
        return ratio(int(self.supported.sum()), int(self.judged.sum()))

    @property
    def unlabelled_part(self) -> float:
        """Fraction of the segmentation's particles without a label; nan without any."""
        return ratio(len(self.unlabelled_yx), self.strong)


def agreement(
    segmentation: Segmentation,
    working: WorkingImage,
    diameter: float,
    labels: tuple[Int[Tensor, "h w"], Int[Tensor, "h w"]],
    centers_yx: Float[np.ndarray, "n 2"],
) -> Agreement:
    """Compare labels with a segmentation.

    Parameters
    ----------
    segmentation
        Of the working image.
    working
        The micrograph.
    diameter
        Of the particles, Å.
    labels
        Instances and classes at working scale.
    centers_yx
        Of the labelled particles, px of the micrograph.
    """
    instances, classes = labels
    known = (classes != UNKNOWN) & working.valid
    tolerance_px = TOLERANCE * diameter / working.micrograph_pixel_size
    pairs = match(segmentation.centers_yx, centers_yx, tolerance_px)
    inner = away_from_edge(working.valid, working.in_pixels(EDGE * diameter))
    judged = _at(inner, working, centers_yx)
    supported = np.zeros(len(centers_yx), bool)
    supported[pairs.reference] = True
    is_labelled = np.zeros(len(segmentation.centers_yx), bool)
    is_labelled[pairs.picks] = True
    says_something = (classes != UNKNOWN) & (classes != CONTAMINATION)
    counts = is_labelled | _at(says_something, working, segmentation.centers_yx)
    return Agreement(
        pixels=count_pixels(instances > 0, segmentation.particle, known),
        judged=judged,
        supported=supported & judged,
        strong=int(counts.sum()),
        unlabelled_yx=segmentation.centers_yx[counts & ~is_labelled],
    )


def _at(
    area: Bool[Tensor, "h w"], working: WorkingImage, centers_yx: Float[np.ndarray, "n 2"]
) -> Bool[np.ndarray, " n"]:
    """Whether points of the micrograph, px, lie in an area of its working image."""
    points = torch.from_numpy(np.rint(working.from_micrograph(centers_yx))).long()
    y, x = points.unbind(dim=1)
    height, width = area.shape
    is_on = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return (area[y.clamp(0, height - 1), x.clamp(0, width - 1)] & is_on).numpy()
