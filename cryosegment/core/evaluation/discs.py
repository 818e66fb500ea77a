# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of discs around picks against those around particles, as CryoSegNet is scored."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.evaluation import OVERALL, PixelMetrics

MEAN, MOST = "mean over micrographs", "highest of the micrographs"


def count_discs(picks: Coordinates, reference: Coordinates, diameter: float) -> PixelCounts:
    """Counts of the pixels in filled discs around all picks, against those around all particles.

    Parameters
    ----------
    picks, reference
        Of one micrograph; discs are drawn in pixels of the reference.
    diameter
        Of the discs, Å.
    """
    size = reference.pixel_size
    both = [np.rint(each.at_pixel_size(size).centers_yx).astype(int) for each in (picks, reference)]
    radius = round(diameter / size / 2)
    shape = np.concatenate([*both, [[0, 0]]]).max(axis=0) + radius + 1
    return count_pixels(*(_discs(centers, radius, shape.tolist()) for centers in both))


def _discs(centers_yx: np.ndarray, radius: int, shape: Sequence[int]) -> Bool[Tensor, "h w"]:
    image = np.zeros(shape, np.uint8)
    for row, column in centers_yx.tolist():
        cv2.circle(image, (column, row), radius, 1, cv2.FILLED)
    return torch.from_numpy(image > 0)


def disc_rows(counts: Sequence[PixelCounts]) -> tuple[PixelMetrics, ...]:
    """Figures of the discs of several micrographs, in the three ways in which they are read.

    Returns
    -------
    Of all pixels together; the mean of each figure over the micrographs; and, as CryoSegNet's
    script has it, the highest of each, but F1 from the precision and recall of that row. Accuracy
    is nan: it depends on how much of a micrograph is empty.

    Notes
    -----
    Gyawali et al., Briefings in Bioinformatics 2024; F1 of one micrograph is its Dice score.
    """
    total = sum(counts, PixelCounts())
    names = ("precision", "recall", "f1", "iou")
    table = np.array([[getattr(each, name) for name in names] for each in counts])
    table = table[~np.isnan(table).all(axis=1)].reshape(-1, len(names))
    rows = [_row(OVERALL, [getattr(total, name) for name in names])]
    if len(table):
        rows.append(_row(MEAN, np.nanmean(table, axis=0).tolist()))
        precision, recall, _, iou = np.nanmax(table, axis=0).tolist()
        both = precision + recall
        f1 = 2 * precision * recall / both if both else 0.0
        rows.append(_row(MOST, [precision, recall, f1, iou]))
    return tuple(rows)


def _row(name: str, values: Sequence[float]) -> PixelMetrics:
    precision, recall, f1, iou = values
    return PixelMetrics(name, float("nan"), precision, recall, f1, iou)
