# SPDX-License-Identifier: GPL-3.0-or-later
"""Voxels of turned bodies, counted pixel by pixel.

Places are multiples of 2^-12 px: their products with whole voxels add up without rounding in single
precision, so that the counts are the same on every device.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

FINE = 2
"""Voxels are counted in pixels of this part of a voxel."""
STEPS = 2**12
"""Places in a pixel that a voxel can have, along a side."""
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
AT_ONCE = 64
"""Particles that a GPU turns at once."""


def count_voxels(
    points: Float[Tensor, "3 p"],
    rotations: Float[Tensor, "n 3 3"],
    fractions_yx: Float[np.ndarray, "n 2"],
    side: int,
) -> Iterator[Float[np.ndarray, "v v"]]:
    """Voxels over each pixel of the voxel's size, as a part of those that fit, smoothed.

    Parameters
    ----------
    points
        The voxels as whole numbers x, y, z from the point that they turn about. Their device
        counts.
    rotations
        As `rotation_matrices` gives them.
    fractions_yx
        Where in pixel `side // 2` the point lies that they turn about, px.
    side
        Of the images, px.
    """
    turned, middles = fine_poses(rotations, fractions_yx, side)
    if points.device.type == "cpu":
        yield from count_singly(points, turned, middles, FINE * side)
        return
    for some, places in zip(turned.split(AT_ONCE), middles.split(AT_ONCE), strict=True):
        some, places = some.to(points.device), places.to(points.device)
        yield from count_at_once(points, some, places, FINE * side).cpu().numpy()


def fine_poses(
    rotations: Float[Tensor, "n 3 3"], fractions_yx: Float[np.ndarray, "n 2"], side: int
) -> tuple[Float[Tensor, "n 2 3"], Float[Tensor, "n 2"]]:
    """What leads from voxels to fine pixels x, y; rounded so that any sum is exact.

    Returns
    -------
    The first rows of the rotations, and where the point lies that the voxels turn about.
    """
    middles = torch.from_numpy(FINE * fractions_yx[:, ::-1]) + FINE * side // 2 + 0.5
    return _on_grid(FINE * rotations[:, :2]), _on_grid(middles)


def count_singly(
    points: Float[Tensor, "3 p"],
    turned: Float[Tensor, "n 2 3"],
    middles_xy: Float[Tensor, "n 2"],
    side: int,
) -> Iterator[Float[np.ndarray, "v v"]]:
    """One particle after the other, as a CPU does it best.

    Parameters
    ----------
    points
        Whole numbers.
    turned, middles_xy
        As `fine_poses` gives them.
    side
        Of the images, fine pixels.
    """
    fine = torch.zeros(side * side)
    image = fine.numpy().reshape(side, side)
    ones = torch.ones(points.shape[1])
    for rotation, middle in zip(turned, middles_xy[:, :, None], strict=True):
        x, y = torch.addmm(middle, rotation, points).floor_()
        fine.zero_().index_add_(0, y.mul_(side).add_(x).int(), ones)
        yield cv2.pyrDown(image)


def count_at_once(
    points: Float[Tensor, "3 p"],
    turned: Float[Tensor, "n 2 3"],
    middles_xy: Float[Tensor, "n 2"],
    side: int,
) -> Float[Tensor, "n v v"]:
    """All particles in one go, as a GPU does it best; the parameters are those of `count_singly`.

    Products and filters are spelled out, because a GPU may multiply matrices less precisely.
    """
    places = middles_xy[:, :, None]
    for column, row in zip(turned.unbind(dim=2), points, strict=True):
        places = places + column[:, :, None] * row
    x, y = places.floor().long().unbind(dim=1)
    first = side * side * torch.arange(len(turned), device=points.device)[:, None]
    fine = torch.zeros(len(turned) * side * side, device=points.device)
    fine.index_add_(0, (first + y * side + x).flatten(), fine.new_ones(x.numel()))
    image = functional.pad(fine.view(-1, side, side), (2, 2, 2, 2), mode="reflect")
    for _ in range(2):  # along the rows, then along the columns
        parts = [part * image[..., i : i + side : FINE] for i, part in enumerate(BINOMIAL)]
        image = torch.stack(parts).sum(dim=0).mT
    return image


def _on_grid(values: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
    """The nearest multiples of a step, in single precision."""
    return ((values.double() * STEPS).round_() / STEPS).float()
