# SPDX-License-Identifier: GPL-3.0-or-later
"""How well classes of pixels are told, and good images from bad ones."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.particles.classes import CLASSES


def confusion(found: Int[Tensor, "*n"], truth: Int[Tensor, "*n"]) -> Int[Tensor, "3 3"]:
    """How many pixels of each class (rows) were called which (columns)."""
    number = len(CLASSES)
    pairs = truth.flatten().long() * number + found.flatten().long()
    return torch.bincount(pairs, minlength=number**2).reshape(number, number)


def intersection_over_union(counts: Int[Tensor, "3 3"]) -> Float[Tensor, " 3"]:
    """Intersection over union of each class, from a confusion matrix over all pixels."""
    hits = counts.diagonal().double()
    return hits / (counts.sum(0) + counts.sum(1) - hits).clamp(min=1)


def overlap_of(counts: Int[Tensor, "3 3"]) -> dict[str, float]:
    """Intersection over union by name: `iou`, the mean over the classes, and that of each."""
    each = intersection_over_union(counts)
    named = {f"iou of {name}": float(iou) for name, iou in zip(CLASSES, each, strict=True)}
    return {"iou": float(each.mean()), **named}


def area_under_curve(scores: Float[Tensor, " n"], good: Bool[Tensor, " n"]) -> float:
    """Probability that a good image has a higher score than a bad one; ties count half.

    It is the area under the curve of the receiver operating characteristic (ROC).
    """
    above, below = scores[good], scores[~good].sort().values
    lower = torch.searchsorted(below, above)
    tied = torch.searchsorted(below, above, right=True) - lower
    return float((lower + 0.5 * tied).double().mean() / max(len(below), 1))
