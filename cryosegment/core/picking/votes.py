# SPDX-License-Identifier: GPL-3.0-or-later
"""Offset voting: every particle pixel votes for the centre of its particle."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.filters import gaussian_filter

VOTE_SIGMA = 0.08
"""Width of the smoothing of the votes, in particle diameters."""
VOTER_FLOOR = 0.1
"""Particle probability up to which pixels do not vote: they are many and carry little."""


def vote_map(
    offsets: Float[Tensor, "2 h w"],
    particle: Float[Tensor, "h w"],
    valid: Bool[Tensor, "h w"],
    diameter_px: float,
) -> Float[Tensor, "h w"]:
    """Votes for a centre, about 1 where all pixels of a full disc agree, not above 1.

    Parameters
    ----------
    offsets
        (centre - pixel) / radius, (y, x).
    particle
        Probability that a pixel belongs to a particle; the weight of its vote.
    valid
        Pixels that may vote.

    Notes
    -----
    One step of the offset regression of HoVer-Net (Graham et al., Med. Image Anal. 2019) in place
    of gradient tracing: votes are splatted bilinearly and smoothed by a Gaussian. Scattered votes
    lower the peak as 1 / (1 + spread² / sigma²).
    """
    rows, columns = torch.nonzero(valid & (particle > VOTER_FLOOR), as_tuple=True)
    radius = diameter_px / 2
    y = rows + offsets[0, rows, columns] * radius
    x = columns + offsets[1, rows, columns] * radius
    votes = _splat(particle, (rows, columns), (y, x))
    smooth = gaussian_filter(votes, VOTE_SIGMA * diameter_px)
    return (smooth / (math.pi * radius**2)).clamp(max=1.0)


def _splat(
    weight: Float[Tensor, "h w"],
    source: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
) -> Float[Tensor, "h w"]:
    """Sum of the weights at `source` pixels, spread bilinearly at `target` positions (y, x)."""
    height, width = weight.shape
    inside = (target[0] >= 0) & (target[0] <= height - 1)
    inside &= (target[1] >= 0) & (target[1] <= width - 1)
    y, x = target[0][inside], target[1][inside]
    w = weight[source][inside]
    top = y.floor().clamp(max=max(height - 2, 0))
    left = x.floor().clamp(max=max(width - 2, 0))
    down, right = y - top, x - left
    corner = top.long() * width + left.long()
    total = weight.new_zeros(height * width + width + 1)
    total.index_add_(0, corner, w * (1 - down) * (1 - right))
    total.index_add_(0, corner + 1, w * (1 - down) * right)
    total.index_add_(0, corner + width, w * down * (1 - right))
    total.index_add_(0, corner + width + 1, w * down * right)
    return total[: height * width].view(height, width)
