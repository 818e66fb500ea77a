# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of masks against a reference, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor


@dataclass(frozen=True)
class PixelCounts:
    """Numbers of pixels; those of several images add up.

    Each ratio is nan where its denominator is 0.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.true_negatives + other.true_negatives,
        )

    def of_background(self) -> PixelCounts:
        """The counts of all that is outside the mask."""
        return PixelCounts(
            self.true_negatives, self.false_negatives, self.false_positives, self.true_positives
        )

    @property
    def accuracy(self) -> float:
        """Fraction of the pixels that are correct."""
        right = self.true_positives + self.true_negatives
        return ratio(right, right + self.false_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Fraction of the mask that is correct."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Fraction of the reference that is in the mask."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def iou(self) -> float:
        """Intersection over union, the Jaccard index."""
        wrong = self.false_positives + self.false_negatives
        return ratio(self.true_positives, self.true_positives + wrong)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, the Dice coefficient."""
        wrong = self.false_positives + self.false_negatives
        return ratio(2 * self.true_positives, 2 * self.true_positives + wrong)


def count_pixels(
    mask: Bool[Tensor, "*image"],
    reference: Bool[Tensor, "*image"],
    known: Bool[Tensor, "*image"] | None = None,
) -> PixelCounts:
    """Counts of a mask against a reference.

    Parameters
    ----------
    known
        Pixels that count; all where left out.
    """
    if known is not None:
        mask, reference = mask[known], reference[known]
    both = int((mask & reference).sum())
    marked, true = int(mask.sum()), int(reference.sum())
    return PixelCounts(both, marked - both, true - both, mask.numel() - marked - true + both)


def ratio(part: float, whole: float) -> float:
    """`part` / `whole`; nan where `whole` is 0."""
    return part / whole if whole else float("nan")
