# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances: which pixels belong to which candidate."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from skimage.segmentation import watershed
from torch import Tensor

INSTANCE_REACH = 0.75
"""Largest distance of an instance's pixels from its centre, in particle diameters."""


def find_instances(
    particle: Float[Tensor, "h w"],
    centers_yx: Float[Tensor, "n 2"],
    diameter_px: float,
    threshold: float = 0.5,
) -> Int[Tensor, "h w"]:
    """Label map of the candidates: 0 background, i + 1 the pixels of candidate i.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    centers_yx
        px, inside the map. Of candidates at the same pixel, only the first gets an instance.
    threshold
        Pixels above this probability belong to the candidate whose flood reaches them first, if
        its centre is within 0.75 `diameter_px`.
    """
    probability = particle.cpu().numpy()
    centers = centers_yx.cpu().numpy()
    labels = watershed(
        -probability, _seeds(centers, probability.shape), mask=probability > threshold
    )
    rows, columns = np.nonzero(labels)
    seeds = centers[labels[rows, columns] - 1]
    far = np.hypot(rows - seeds[:, 0], columns - seeds[:, 1]) > INSTANCE_REACH * diameter_px
    labels[rows[far], columns[far]] = 0
    return torch.from_numpy(labels.astype(np.int32)).to(particle.device)


def _seeds(centers: Float[np.ndarray, "n 2"], shape: tuple[int, ...]) -> Int[np.ndarray, "h w"]:
    seeds = np.zeros(shape, np.int32)
    rows, columns = np.rint(centers).astype(int).T
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    numbers = np.arange(1, len(centers) + 1)
    backwards = np.flatnonzero(inside)[::-1]  # so that the first of several at a pixel stays
    seeds[rows[backwards], columns[backwards]] = numbers[backwards]
    return seeds


def renumber(labels: Int[Tensor, "h w"], kept: Bool[Tensor, " n"]) -> Int[Tensor, "h w"]:
    """A label map with only the instances that are kept, numbered from 1 in order."""
    numbers = torch.cumsum(kept, 0) * kept
    return torch.cat((numbers.new_zeros(1), numbers)).to(labels)[labels.long()]


def instance_diameters(labels: Int[Tensor, "h w"], count: int) -> Float[Tensor, " count"]:
    """Diameters (px) of discs with the areas of instances 1 to `count`; nan where empty."""
    areas = torch.bincount(labels.flatten(), minlength=count + 1)[1 : count + 1].float()
    diameters = 2 * torch.sqrt(areas / torch.pi)
    return torch.where(areas > 0, diameters, torch.nan)
