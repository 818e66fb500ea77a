# SPDX-License-Identifier: GPL-3.0-or-later
"""Bilateral filtering in linear time: splat to a coarse grid, blur, slice.

The grid spans y, x and one scalar feature. In space a pixel belongs to its nearest cell; along
the feature it is shared linearly by two. Splat and slice are transposes of each other and the
blur is symmetric, so the kernel is symmetric. What they blur on top is taken off the blur.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.crf.filters import filter_axis, gaussian_taps

CELL = 4.0  # px; cells of this size cost about as much as the pixels do
FINEST, COARSEST = 0.25, 0.5  # cell size in sigmas; at 0.5 the rms error of the filter is 2 %
TRUNCATE = 3.5  # radius of the blur in sigmas
REACH = 16.0  # features further than this from the middle, in sigmas, count as this far


@dataclass(frozen=True)
class BilateralGrid:
    """Where each pixel lies in the grid, and how the grid is blurred.

    Calling it with a field gives the sum over pixels j of
    exp(-|p_i - p_j|^2 / 2 sigma^2 - |f_i - f_j|^2 / 2 feature_sigma^2) field_j, approximately.

    Parameters
    ----------
    shape
        Cells along y, x and the feature.
    cells
        Flat index of the lower of each pixel's two cells.
    fraction
        Share of each pixel's upper cell, in [0, 1).
    space_taps
        Blur along y and x.
    feature_blur
        Blur along the feature.

    Notes
    -----
    Paris & Durand, ECCV 2006; Chen, Paris & Durand, SIGGRAPH 2007.
    """

    shape: tuple[int, int, int]
    cells: Int[Tensor, " n"]
    fraction: Float[Tensor, " n"]
    space_taps: Float[Tensor, " taps"]
    feature_blur: Float[Tensor, "k k"]

    def __call__(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The filtered field."""
        blurred = filter_axis(self._splat(field), self.space_taps, 0)
        blurred = filter_axis(blurred, self.space_taps, 1) @ self.feature_blur
        return self._slice(blurred).view(field.shape)

    def _splat(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "y x k"]:
        values = field.reshape(-1)
        upper = values * self.fraction
        empty = values.new_zeros(math.prod(self.shape))
        low = empty.index_add(0, self.cells, values - upper)
        high = empty[1:].index_add(0, self.cells, upper)
        return (low + functional.pad(high, (1, 0))).view(self.shape)

    def _slice(self, grid: Float[Tensor, "y x k"]) -> Float[Tensor, " n"]:
        flat = grid.reshape(-1)
        low = flat.index_select(0, self.cells)
        high = flat[1:].index_select(0, self.cells)
        return torch.lerp(low, high, self.fraction)


def bilateral_grid(
    feature: Float[Tensor, "h w"],
    sigma: float,
    feature_sigma: float,
    valid: Bool[Tensor, "h w"],
) -> BilateralGrid:
    """Grid for the pixels of a feature image.

    Parameters
    ----------
    feature
        What is compared, in its own unit; anything (NaN too) where not valid.
    sigma
        Reach in space, in pixels.
    feature_sigma
        Reach in the feature, in its unit. Also the grid's step along the feature.
    valid
        Pixels that count, at least one; the others lie somewhere in the grid and must be given
        the value 0 by the caller.
    """
    height, width = feature.shape
    cell = max(1.0, FINEST * sigma, min(COARSEST * sigma, CELL))
    bounded = _bounded(feature, REACH * feature_sigma, valid)
    position = (bounded - bounded.detach().amin()) / feature_sigma
    level = position.detach().floor()
    shape = (math.ceil(height / cell), math.ceil(width / cell), int(level.amax()) + 2)
    row, column = (_nearest_cells(n, cell, feature.device) for n in (height, width))
    cells = (row[:, None] * shape[1] + column) * shape[2] + level.long()
    return BilateralGrid(
        shape,
        cells.reshape(-1),
        (position - level).reshape(-1),
        gaussian_taps(_blur_sigma(sigma, cell), feature, TRUNCATE),
        _feature_blur(shape[2], feature),
    )


def _bounded(
    feature: Float[Tensor, "h w"], reach: float, valid: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """Feature kept within `reach` of the middle of the valid values, so that the grid is small."""
    values = feature.detach()
    low = torch.where(valid, values, math.inf).amin().item()
    high = torch.where(valid, values, -math.inf).amax().item()
    if high - low > 2 * reach:
        middle = values[valid].median().item()
        low, high = max(low, middle - reach), min(high, middle + reach)
    return torch.where(valid, feature, low).clamp(low, high)


def _nearest_cells(length: int, cell: float, device: torch.device) -> Int[Tensor, " length"]:
    return ((torch.arange(length, device=device) + 0.5) / cell).long()


def _blur_sigma(sigma: float, cell: float) -> float:
    """Sigma left for the blur, in cells: rounding twice to cells adds a variance of cell^2 / 6."""
    rounding = cell**2 / 6 if cell > 1 else 0.0
    return math.sqrt(sigma**2 - rounding) / cell


def _feature_blur(levels: int, like: Tensor) -> Float[Tensor, "k k"]:
    """Gaussian of variance 2/3 step^2: linear splat and slice add 1/6 each."""
    level = torch.arange(levels, dtype=like.dtype, device=like.device)
    return torch.exp(-0.75 * (level[:, None] - level) ** 2)
