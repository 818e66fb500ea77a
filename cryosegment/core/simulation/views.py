# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of a molecule on a canvas: rotated, scaled and placed projections of a bank."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, SIDE, ProjectionBank

REACH = SIDE / PIXELS_PER_DIAMETER / 2
"""How far a drawn particle reaches from its centre, in its diameters."""


def draw_views(
    bank: ProjectionBank,
    molecule: int,
    centers: Float[Tensor, "n 2"],
    true_px: float,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "n p p"], Float[Tensor, "n p p"]]:
    """Projections and silhouettes rotated in plane, scaled and shifted to sub-pixel centres.

    Parameters
    ----------
    bank, molecule
        Which molecule of which bank.
    centers
        Of the particles, px; only their fractions matter.
    true_px
        Diameter, px.
    random
        Source of randomness.
    """
    count = len(centers)
    few = random.random() < 0.2  # preferred orientation
    pool = random.permutation(bank.projections.shape[1])[: 4 if few else None]
    chosen = torch.from_numpy(random.choice(pool, count))
    planes = torch.stack((bank.projections[molecule], bank.silhouettes[molecule]), 1)[chosen]
    angle = torch.from_numpy(random.uniform(0, 2 * np.pi, count)).float()
    mirror = torch.from_numpy(random.choice([-1.0, 1.0], count)).float()
    cosine, sine = angle.cos(), angle.sin()
    zoom = PIXELS_PER_DIAMETER / true_px
    reach = math.ceil(REACH * true_px)
    grid = torch.arange(-reach, reach + 1, dtype=torch.float32)
    fraction = centers - centers.round()
    y = (grid[None, :] - fraction[:, :1])[:, :, None]
    x = (grid[None, :] - fraction[:, 1:])[:, None, :]
    source_x = zoom * (cosine[:, None, None] * x + sine[:, None, None] * y) * mirror[:, None, None]
    source_y = zoom * (cosine[:, None, None] * y - sine[:, None, None] * x)
    half = planes.shape[-1] / 2  # the origin n // 2 lies half a pixel past the middle of the grid
    sample = torch.stack(((source_x + 0.5) / half, (source_y + 0.5) / half), -1)
    drawn = functional.grid_sample(planes.float(), sample, align_corners=False)
    strength = torch.from_numpy(random.uniform(0.75, 1.25, (count, 1, 1))).float()
    return drawn[:, 0] * strength, drawn[:, 1]


def compose(
    density: Float[Tensor, "n p p"],
    shape: Float[Tensor, "n p p"],
    centers: Float[Tensor, "n 2"],
    canvas: int,
) -> tuple[Float[Tensor, "h w"], Int[Tensor, "h w"]]:
    """Summed views, and instances in which the nearer centre owns a shared pixel.

    Parameters
    ----------
    density, shape
        Of `draw_views`.
    centers
        Where they lie on the canvas, px.
    canvas
        Its height and width, px.
    """
    signal = torch.zeros(canvas, canvas)
    instances = torch.zeros(canvas, canvas, dtype=torch.int32)
    nearest = torch.full((canvas, canvas), float("inf"))
    patch_side = density.shape[-1]
    offsets = torch.arange(patch_side, dtype=torch.float32) - patch_side // 2
    corners = centers.round().int() - patch_side // 2
    fractions = centers - centers.round()
    for k, (corner, fraction) in enumerate(zip(corners.tolist(), fractions.tolist(), strict=True)):
        rows, columns, patch = _window(corner, patch_side, canvas)
        signal[rows, columns] += density[k][patch]
        distance = (offsets[patch[0], None] - fraction[0]) ** 2
        distance = distance + (offsets[None, patch[1]] - fraction[1]) ** 2
        owned = (shape[k][patch] > 0.5) & (distance < nearest[rows, columns])
        instances[rows, columns][owned] = k + 1
        nearest[rows, columns][owned] = distance[owned]
    return signal, instances


def _window(corner: list[int], side: int, canvas: int) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the canvas that a patch covers, and that part of the patch."""
    spans = [slice(max(start, 0), min(start + side, canvas)) for start in corner]
    rows, columns = spans
    row, column = (
        slice(s.start - start, s.stop - start) for s, start in zip(spans, corner, strict=True)
    )
    return rows, columns, (row, column)
