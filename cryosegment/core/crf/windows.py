# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel within a small window around every pixel, and nothing beyond it.

As in ConvCRF: cost and memory grow with the area of the window, so the window ends at 8 px. A
kernel with a standard deviation up to 8/3 px is complete; a wider one is cut off there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.filters import Width, fixed

TRUNCATE = 3.0  # radius of the window in sigmas
LARGEST_RADIUS = 8  # px; 144 planes of weights

Step = tuple[int, int]


@dataclass(frozen=True)
class WindowKernel:
    """A symmetric kernel as one plane of weights for every step to a later pixel.

    Parameters
    ----------
    steps
        Rows down, and columns to the right (negative: left).
    weights
        For each step the weights of the pairs that lie so far apart, one per pair.
    """

    steps: tuple[Step, ...]
    weights: tuple[Float[Tensor, "_ _"], ...]

    def __call__(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The filtered field."""
        total = field.clone()
        for step, weight in zip(self.steps, self.weights):
            here, there = _pairs(step)
            total[here] += weight * field[there]
            total[there] += weight * field[here]
        return total


def window_kernel(
    feature: Float[Tensor, "h w"],
    sigma: Width,
    feature_sigma: Width,
) -> WindowKernel:
    """Kernel exp(-|p_i - p_j|^2 / 2 sigma^2 - (f_i - f_j)^2 / 2 feature_sigma^2) in windows.

    Parameters
    ----------
    feature
        Scalar feature per pixel.
    sigma
        Standard deviation in space, px. The radius of the window is three times as much, at most
        8 px.
    feature_sigma
        Standard deviation in the feature, in its unit; infinite: position alone counts.

    Notes
    -----
    Teichmann & Cipolla, BMVC 2019.
    """
    radius = min(math.ceil(TRUNCATE * fixed(sigma)), LARGEST_RADIUS)
    height, width = feature.shape
    steps = tuple(
        (down, right)
        for down in range(min(radius, height - 1) + 1)
        for right in range(-min(radius, width - 1), min(radius, width - 1) + 1)
        if down > 0 or right > 0
    )
    weights = []
    for step in steps:
        here, there = _pairs(step)
        squared = ((feature[here] - feature[there]) / feature_sigma).square()
        weights.append(torch.exp(-0.5 * (squared + (step[0] ** 2 + step[1] ** 2) / sigma**2)))
    return WindowKernel(steps, tuple(weights))


def _pairs(step: Step) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """First and second pixels of all pairs a step apart."""
    down, right = step
    first_rows, second_rows = slice(0, -down or None), slice(down, None)
    columns = slice(0, -abs(right) or None), slice(abs(right), None)
    first_columns, second_columns = columns if right >= 0 else columns[::-1]
    return (first_rows, first_columns), (second_rows, second_columns)
