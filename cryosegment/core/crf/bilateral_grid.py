# SPDX-License-Identifier: GPL-3.0-or-later
"""Bilateral filtering in linear time: splat to a coarse grid, blur, slice.

The grid spans y, x and one scalar feature. A pixel is shared by the four corners of the
tetrahedron it lies in, half as many as the corners of its cell. Splat and slice are transposes
of each other and the blur is symmetric, so the kernel is symmetric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.filters import Width, filter_axis, fixed, gaussian_taps

STEP = 2 / 3  # cell in sigmas, but at least one pixel; the rms error of a message is then 2 %
SPLAT_VARIANCE = 1 / 3  # in cells: linear splat and slice add 1/6 each
TRUNCATE = 3.5  # radius of the blur in sigmas
REACH = 20.0  # features further than this from the middle, in sigmas, count as this far


@dataclass(frozen=True)
class BilateralGrid:
    """Position of each pixel in the grid, and the blur of the grid.

    Calling it with a field gives, approximately, the sum over pixels j of
    exp(-|p_i - p_j|^2 / 2 sigma^2 - (f_i - f_j)^2 / 2 feature_sigma^2) field_j, up to a factor
    that a normalised kernel loses.

    Parameters
    ----------
    shape
        Cells along y, x and the feature.
    corners
        Flat index of the four grid points that share each pixel.
    shares
        The pixel's share at each of them, in [0, 1], summing to 1.
    space_taps, feature_taps
        Blur along y and x, and along the feature.

    Notes
    -----
    Paris & Durand, ECCV 2006; Chen, Paris & Durand, SIGGRAPH 2007.
    """

    shape: tuple[int, int, int]
    corners: tuple[Int[Tensor, " n"], ...]
    shares: tuple[Float[Tensor, " n"], ...]
    space_taps: Float[Tensor, " taps"]
    feature_taps: Float[Tensor, " levels"]

    def __call__(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The filtered field."""
        grid = filter_axis(self._splat(field.reshape(-1)), self.space_taps, 0)
        grid = filter_axis(filter_axis(grid, self.space_taps, 1), self.feature_taps, 2)
        return self._slice(grid.reshape(-1)).view(field.shape)

    def _splat(self, values: Float[Tensor, " n"]) -> Float[Tensor, "y x k"]:
        grid = values.new_zeros(math.prod(self.shape))
        for corner, share in zip(self.corners, self.shares):
            grid = grid.index_add(0, corner, values * share)
        return grid.view(self.shape)

    def _slice(self, grid: Float[Tensor, " cells"]) -> Float[Tensor, " n"]:
        values = torch.zeros_like(self.shares[0])
        for corner, share in zip(self.corners, self.shares):
            values = torch.addcmul(values, grid.index_select(0, corner), share)
        return values


def bilateral_grid(
    feature: Float[Tensor, "h w"],
    sigma: Width,
    feature_sigma: Width,
    valid: Bool[Tensor, "h w"],
) -> BilateralGrid:
    """Grid for the pixels of a feature image.

    Parameters
    ----------
    feature
        Feature that is compared, in its own unit; any value (also NaN) where not valid.
    sigma
        Standard deviation in space, px.
    feature_sigma
        Standard deviation in the feature, in its unit.
    valid
        Pixels that count, at least one; the caller must set the others to 0.

    Notes
    -----
    If the standard deviations are tensors, gradients reach them through the blur; the cells,
    which are derived from them, are held fixed.
    """
    cell, feature_cell = max(1.0, STEP * fixed(sigma)), STEP * fixed(feature_sigma)
    bounded = _bounded(feature, REACH * fixed(feature_sigma), valid)
    rows, columns = (torch.arange(n).to(feature) / cell for n in feature.shape)
    levels = (bounded - bounded.detach().amin()) / feature_cell
    points_y, points_x, points_k = (int(part.amax()) + 2 for part in (rows, columns, levels))
    shape = (points_y, points_x, points_k)
    corners, shares = _tetrahedra(rows, columns, levels, shape)
    # pixels on grid points are splat as they are
    space_blur = _blur(sigma / cell) if cell > 1 else sigma
    return BilateralGrid(
        shape,
        corners,
        shares,
        gaussian_taps(space_blur, feature, TRUNCATE),
        gaussian_taps(_blur(feature_sigma / feature_cell), feature, TRUNCATE),
    )


def _blur(sigma: Width) -> Width:
    """Blur, in cells, that makes a kernel of `sigma` cells together with splat and slice."""
    return (sigma**2 - SPLAT_VARIANCE) ** 0.5


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


def _tetrahedra(
    rows: Float[Tensor, " h"],
    columns: Float[Tensor, " w"],
    levels: Float[Tensor, "h w"],
    shape: tuple[int, int, int],
) -> tuple[tuple[Int[Tensor, " n"], ...], tuple[Float[Tensor, " n"], ...]]:
    """Corners and barycentric coordinates of each pixel's tetrahedron.

    From the lowest corner of its cell to the highest, a path steps first along the axis in which
    the pixel is furthest into the cell (Freudenthal's division of the cube).
    """
    steps = (shape[1] * shape[2], shape[2], 1)
    whole = [position.detach().floor() for position in (rows[:, None], columns, levels)]
    indices = [part.long() * step for part, step in zip(whole, steps)]
    lowest = (indices[0] + indices[1] + indices[2]).reshape(-1)
    y, x, k = rows[:, None] - whole[0], columns - whole[1], levels - whole[2]
    first, last = torch.maximum(torch.maximum(y, x), k), torch.minimum(torch.minimum(y, x), k)
    middle = torch.maximum(torch.minimum(y, x), torch.minimum(torch.maximum(y, x), k))
    into_first = torch.where(y == first, steps[0], torch.where(x == first, steps[1], steps[2]))
    into_last = torch.where(k == last, steps[2], torch.where(x == last, steps[1], steps[0]))
    highest = lowest + sum(steps)
    corners = (lowest, lowest + into_first.reshape(-1), highest - into_last.reshape(-1), highest)
    shares = (1 - first, first - middle, middle - last, last)
    return corners, tuple(share.reshape(-1) for share in shares)
