# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise around each pixel, and grey levels in its units.

What is in an image does not set the scale of the rest of it: a lone particle and one of hundreds
look the same to a network.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.filters import filter_axis
from cryosegment.core.images.normalize import MAD_TO_SD
from cryosegment.exchange.params import InputParams, NoiseParams

USUAL = NoiseParams()


def scale_to_noise(
    image: Float[Tensor, "*batch h w"],
    valid: Bool[Tensor, "*batch h w"] | None,
    diameter: float,
    noise: NoiseParams = USUAL,
    clip: float = InputParams.clip,
) -> Float[Tensor, "*batch h w"]:
    """Each pixel in units of the noise around it, large values compressed.

    Invalid pixels become 0, and so does a constant image.

    Parameters
    ----------
    image
        Images of any batch shape, without their local mean.
    valid
        Pixels that count; None for all.
    diameter
        Particle diameter, px.
    noise
        How the noise is measured.
    clip
        Grey levels beyond this many noises are compressed to their logarithm.
    """
    level = noise_level(image, valid, diameter, noise)
    scaled = torch.where(level > 0, image / level.clamp_min(1e-30), 0.0)
    if valid is not None:
        scaled = scaled * valid
    return torch.asinh(scaled / clip) * clip


def noise_level(
    image: Float[Tensor, "*batch h w"],
    valid: Bool[Tensor, "*batch h w"] | None,
    diameter: float,
    noise: NoiseParams = USUAL,
) -> Float[Tensor, "*batch h w"]:
    """Standard deviation of the fine structure around each pixel, whatever else is there.

    Parameters
    ----------
    image
        Images of any batch shape, without their local mean.
    valid
        Pixels that count; None for all. Where none does for some diameters, the level is 0.
    diameter
        Particle diameter, px.
    noise
        How the noise is measured.
    """
    height, width = image.shape[-2:]
    planes = image.reshape(-1, height, width)
    hidden = None if valid is None else ~valid.expand_as(image).reshape(-1, height, width)
    if hidden is not None:
        planes = planes.masked_fill(hidden, 0.0)
    side = max(4, round(noise.cell * diameter))
    fine = planes - _blur(planes, noise.finest * diameter)
    deviation = MAD_TO_SD * _cells(fine.abs(), hidden, side).nanmedian(-1).values
    power = _cells(planes.square(), hidden, side).nanmean(-1)
    found = _around(deviation, noise.reach).nanquantile(noise.quantile, -1)
    floor = noise.least * _around(power, noise.reach).nanmean(-1).sqrt()
    coarse = torch.maximum(found, floor).nan_to_num(0.0)
    coarse = functional.avg_pool2d(coarse[:, None], 3, 1, 1, count_include_pad=False)
    rows, columns = coarse.shape[-2:]
    level = functional.interpolate(coarse, size=(rows * side, columns * side), mode="bilinear")
    return level[:, 0, :height, :width].reshape(image.shape)


def _blur(planes: Float[Tensor, "b h w"], sigma: float) -> Float[Tensor, "b h w"]:
    """Gaussian blur; the outermost pixels go on beyond the image."""
    reach = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-reach, reach + 1, dtype=planes.dtype, device=planes.device)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights /= weights.sum()
    padded = functional.pad(planes[:, None], (reach,) * 4, mode="replicate")[:, 0]
    blurred = filter_axis(filter_axis(padded, weights, 1), weights, 2)
    return blurred[:, reach:-reach, reach:-reach]


def _cells(
    planes: Float[Tensor, "b h w"], hidden: Bool[Tensor, "b h w"] | None, side: int
) -> Float[Tensor, "b y x n"]:
    """The pixels of square cells; NaN where they are hidden or beyond the image."""
    if hidden is not None:
        planes = planes.masked_fill(hidden, math.nan)
    height, width = planes.shape[-2:]
    whole = functional.pad(planes, (0, -width % side, 0, -height % side), value=math.nan)
    cells = whole.unfold(1, side, side).unfold(2, side, side)
    return cells.reshape(*cells.shape[:3], side * side)


def _around(cells: Float[Tensor, "b y x"], reach: int) -> Float[Tensor, "b y x n"]:
    """The cells up to `reach` rows and columns around each; NaN beyond the last."""
    side = 2 * reach + 1
    return (
        functional.pad(cells, (reach,) * 4, value=math.nan)
        .unfold(1, side, 1)
        .unfold(2, side, 1)
        .reshape(*cells.shape, side * side)
    )
