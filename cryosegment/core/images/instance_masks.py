# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance masks at the pixel size of the micrograph."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.images.working import WorkingImage

INSTANCE_THRESHOLD = 0.5
"""Pixels of instances have at least this probability to be of a particle."""
ROWS_AT_A_TIME = 256
"""Of these masks, which are large."""


def at_micrograph_scale(
    instances: Int[Tensor, "h w"], particle: Float[Tensor, "h w"], working: WorkingImage
) -> Int[Tensor, "height width"]:
    """Instances at the pixel size of the micrograph.

    Parameters
    ----------
    instances
        Masks at working scale.
    particle
        Probability map that they were cut from: their outlines are where it crosses
        `INSTANCE_THRESHOLD` between the working pixels.
    working
        The image of both.
    """
    outside = (instances == 0) & (particle < INSTANCE_THRESHOLD)
    plane = instances.float()[None, None]
    wider = functional.max_pool2d(plane, 3, stride=1, padding=1)[0, 0].to(instances.dtype)
    labels = torch.where(outside, wider, instances)
    positions = [
        torch.arange(size) / scale
        for size, scale in zip(working.micrograph_shape, working.scale_yx, strict=True)
    ]
    columns = _nearest(positions[1], labels.shape[1])
    level = _interpolate_rows(particle.T.contiguous(), positions[1]).T.contiguous()
    found = labels.new_empty(working.micrograph_shape)
    for block, band in zip(
        found.split(ROWS_AT_A_TIME), positions[0].split(ROWS_AT_A_TIME), strict=True
    ):
        nearest = labels[_nearest(band, len(labels))][:, columns]
        is_inside = _interpolate_rows(level, band) >= INSTANCE_THRESHOLD
        torch.where(is_inside, nearest, nearest.new_zeros(()), out=block)
    return found


def _nearest(positions: Float[Tensor, " n"], length: int) -> Int[Tensor, " n"]:
    """The rows nearest to some positions."""
    return positions.round().long().clamp(max=length - 1)


def _interpolate_rows(
    plane: Float[Tensor, "h w"], positions: Float[Tensor, " n"]
) -> Float[Tensor, "n w"]:
    """Linear interpolation between rows; beyond the last, its values."""
    last = len(plane) - 1
    before = positions.long().clamp(max=last)
    share = (positions - before).clamp(max=1)[:, None]
    return torch.lerp(plane[before], plane[(before + 1).clamp(max=last)], share)
