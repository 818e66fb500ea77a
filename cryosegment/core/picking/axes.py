# SPDX-License-Identifier: GPL-3.0-or-later
"""Where instances lie and how they are stretched, by the moments of their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

LONGEST = 85
"""Percentile of the long axes of masks that stands for the longest dimension."""
RIGHT = 0.925
"""That percentile where the assumed diameter is right, in diameters; both numbers were chosen on
simulated micrographs of ten molecules (see docs/benchmarks/picking.md)."""


@dataclass(frozen=True)
class Axes:
    """Ellipses with the moments of instances; nan where an instance has no pixels.

    Parameters
    ----------
    centers_yx
        Centres of mass, px.
    long, short
        Lengths of the axes, px.
    angles
        Of the long axes, degrees from the rows towards the first row, in (-90, 90].
    """

    centers_yx: Float[np.ndarray, "n 2"]
    long: Float[np.ndarray, " n"]
    short: Float[np.ndarray, " n"]
    angles: Float[np.ndarray, " n"]


def instance_axes(labels: Int[Tensor, "h w"], count: int) -> Axes:
    """Axes of instances 1 to `count` of a label map."""
    y, x = np.nonzero(labels.cpu().numpy())
    own = labels.cpu().numpy()[y, x] - 1

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(own, values, minlength=count)[:count]

    areas = sums(np.ones(len(own)))
    areas = np.where(areas > 0, areas, np.nan)
    middle = np.stack((sums(y), sums(x)), axis=1) / areas[:, None]
    away_y, away_x = y - middle[own, 0], x - middle[own, 1]
    yy, xx, xy = (sums(values) / areas for values in (away_y**2, away_x**2, away_y * away_x))
    half, spread = (yy + xx) / 2, np.hypot((xx - yy) / 2, xy)
    long, short = (4 * np.sqrt(np.maximum(half + sign * spread, 0)) for sign in (1, -1))
    angles = np.rad2deg(np.arctan2(-2 * xy, xx - yy)) / 2
    return Axes(middle, long, short, angles)


def longest_dimension(long_axes: Float[np.ndarray, " n"]) -> float:
    """The diameter that the long axes of masks say, in their unit."""
    return float(np.percentile(long_axes, LONGEST)) / RIGHT
