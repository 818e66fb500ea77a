# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections of rotated bodies: the number of their voxels in each pixel.

Positions are multiples of 2^-12 px: their products with whole voxels add up without rounding in
single precision, so that the counts are the same on every device.
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
"""Side of the pixels in which voxels are counted, in voxels."""
STEPS = 2**12
"""Number of positions of a voxel within a pixel, along each axis."""
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
AT_ONCE = 64
"""Particles that a GPU rotates at once."""


def count_voxels(
    points: Float[Tensor, "3 p"],
    rotations: Float[Tensor, "n 3 3"],
    fractions_yx: Float[np.ndarray, "n 2"],
    side: int,
) -> Iterator[Float[np.ndarray, "v v"]]:
    """Smoothed number of voxels in each pixel of the size of a voxel, as a fraction of the largest.

    Parameters
    ----------
    points
        The voxels as whole numbers x, y, z from the centre of rotation; their device is used.
    rotations
        As `rotation_matrices` gives them.
    fractions_yx
        Position of the centre of rotation within pixel `side // 2`, px.
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
    """Rotations and shifts from voxels to fine pixels x, y, rounded so that any sum is exact.

    Returns
    -------
    The first two rows of the rotations, and the positions of the centre of rotation.
    """
    middles = torch.from_numpy(FINE * fractions_yx[:, ::-1]) + FINE * side // 2 + 0.5
    return _on_grid(FINE * rotations[:, :2]), _on_grid(middles)


def count_singly(
    points: Float[Tensor, "3 p"],
    turned: Float[Tensor, "n 2 3"],
    middles_xy: Float[Tensor, "n 2"],
    side: int,
) -> Iterator[Float[np.ndarray, "v v"]]:
    """Count the voxels of one particle after the other, which is fastest on a CPU.

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
    """Count the voxels of all particles at once, which is fastest on a GPU; see `count_singly`.

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
