# SPDX-License-Identifier: GPL-3.0-or-later
"""Gold beads: fiducials, dense balls that absorb and scatter."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.simulation.contamination import Contamination

# Gold against ice: its mean inner potential over that of protein (28 - 4.6 over 2.9 V), and the
# path after which 1/e of the electrons pass the aperture, Å.
GOLD_DENSITY = 8.0
GOLD_PATH = 90.0


def gold_beads(
    height: int, width: int, count: int, diameter: float, generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """Path of the beam through gold beads, px: round, dense, up to a tenth larger or smaller.

    Parameters
    ----------
    height, width
        Size of the image, px.
    count
        Number of beads; they lie anywhere, and the border may cut them.
    diameter
        Their mean diameter, px.
    generator
        Source of places and sizes.
    """
    path = torch.zeros(height, width, device=generator.device)
    for _ in range(count):
        u = torch.rand(3, generator=generator, device=generator.device).tolist()
        radius = diameter / 2 * (0.9 + 0.2 * u[0])
        y, x = u[1] * height, u[2] * width
        rows = slice(max(0, math.floor(y - radius)), math.ceil(y + radius) + 1)
        columns = slice(max(0, math.floor(x - radius)), math.ceil(x + radius) + 1)
        part = path[rows, columns]
        down = torch.arange(part.shape[0], device=path.device)[:, None] + (rows.start - y)
        right = torch.arange(part.shape[1], device=path.device)[None, :] + (columns.start - x)
        part += 2 * (radius**2 - down**2 - right**2).clamp(min=0).sqrt()
    return path


def gold_contamination(
    path: Float[Tensor, "h w"], pixel_size: float, contrast: float
) -> Contamination:
    """What gold does to the image.

    Parameters
    ----------
    path
        Path of the beam through gold, px.
    pixel_size
        Å per pixel.
    contrast
        The noise's standard deviation as a fraction of the beam.
    """
    absorption = (1 - torch.exp(path * (-pixel_size / GOLD_PATH))) / contrast
    return Contamination(absorption, torch.zeros_like(path), GOLD_DENSITY * path, path > 0)
