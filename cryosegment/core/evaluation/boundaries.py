# SPDX-License-Identifier: GPL-3.0-or-later
"""Agreement of the outlines of a mask with those of a reference."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from cryosegment.core.evaluation.pixels import ratio


@dataclass(frozen=True)
class BoundaryCounts:
    """Numbers of boundary pixels; those of several images add up.

    Parameters
    ----------
    found, found_near
        Boundary pixels of the mask, and how many of them are near the reference's boundary.
    true, true_near
        Boundary pixels of the reference, and how many of them are near the mask's boundary.
    """

    found: int = 0
    found_near: int = 0
    true: int = 0
    true_near: int = 0

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.found + other.found,
            self.found_near + other.found_near,
            self.true + other.true,
            self.true_near + other.true_near,
        )

    @property
    def precision(self) -> float:
        """Fraction of the mask's boundary that is correct; nan without one."""
        return ratio(self.found_near, self.found)

    @property
    def recall(self) -> float:
        """Fraction of the reference's boundary that is found; nan without one."""
        return ratio(self.true_near, self.true)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; nan where either is, 0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def count_boundaries(
    mask: Bool[Tensor, "h w"],
    reference: Bool[Tensor, "h w"],
    known: Bool[Tensor, "h w"],
    tolerance: float = 2.0,
) -> BoundaryCounts:
    """Counts of a mask against a reference.

    Parameters
    ----------
    mask, reference
        Masks. Their boundary pixels are those inside with at least one of their four neighbours
        outside; beyond the border of the image counts as inside.
    known
        Pixels that count.
    tolerance
        Largest distance of correct boundary pixels from the other boundary, px.

    Notes
    -----
    Martin, Fowlkes & Malik, PAMI 2004, without the one-to-one matching; as in Perazzi et al.,
    CVPR 2016.
    """
    found, true = boundary(mask), boundary(reference)
    near_true, near_found = _near(true, tolerance), _near(found, tolerance)
    found, true = found & known, true & known
    return BoundaryCounts(
        int(found.sum()),
        int((found & near_true).sum()),
        int(true.sum()),
        int((true & near_found).sum()),
    )


def boundary(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Pixels inside that have one of their four neighbours outside."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(mask.cpu().numpy().astype(np.uint8), cross)
    return mask & ~torch.from_numpy(inner > 0).to(mask.device)


def _near(pixels: Bool[Tensor, "h w"], tolerance: float) -> Bool[Tensor, "h w"]:
    """Within `tolerance` px of one of the pixels."""
    if not pixels.any():
        return torch.zeros_like(pixels)
    away = (~pixels).cpu().numpy().astype(np.uint8)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return torch.from_numpy(distance <= tolerance).to(pixels.device)
