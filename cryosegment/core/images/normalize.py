# SPDX-License-Identifier: GPL-3.0-or-later
"""Grey levels: robust statistics, the local mean, mean 0 and standard deviation 1."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_SAMPLES = 262_144
_CELLS_PER_SIGMA = 4.0
_MIN_SD = 1e-12
_PASSES = 4


def robust_statistics(
    image: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"] | None = None
) -> tuple[float, float]:
    """Median and standard deviation (from the median absolute deviation) of an image.

    Parameters
    ----------
    image
        Any grey levels. Images above about 260,000 pixels are sampled on a regular grid.
    valid
        Pixels that count; all by default. Where none does, all are taken.
    """
    stride = max(1, int((image.numel() / _SAMPLES) ** 0.5))
    values = image[::stride, ::stride]
    if valid is not None:
        chosen = values[valid[::stride, ::stride]]
        values = chosen if chosen.numel() else values
    values = values.flatten()
    median = values.median()
    deviation = (values - median).abs().median()
    return float(median), MAD_TO_SD * float(deviation)


def remove_local_mean(
    image: Float[Tensor, "*batch h w"], valid: Bool[Tensor, "*batch h w"] | None, sigma: float
) -> Float[Tensor, "*batch h w"]:
    """An image minus its Gaussian-weighted local mean over the valid pixels.

    Parameters
    ----------
    image
        Images of any batch shape.
    valid
        Pixels that count in the mean; None for all.
    sigma
        Standard deviation of the Gaussian, in pixels. Beyond the image there are no pixels, so
        that the mean is not biased at the border.

    Notes
    -----
    The mean is taken on a grid of four points per `sigma` and interpolated linearly in between,
    which differs from the full convolution by about 1 % of what the convolution leaves.
    """
    height, width = image.shape[-2:]
    down_y, up_y = _blur_matrices(height, sigma, image)
    down_x, up_x = _blur_matrices(width, sigma, image)
    if valid is None:
        total = down_y @ image @ down_x.T
        weight = down_y.sum(1)[:, None] * down_x.sum(1)
    else:
        counts = valid.to(image.dtype)
        total = down_y @ (image * counts) @ down_x.T
        weight = down_y @ counts @ down_x.T
    return image - up_y @ (total / weight.clamp_min(1e-6)) @ up_x.T


def _blur_matrices(
    length: int, sigma: float, like: Tensor
) -> tuple[Float[Tensor, "cells n"], Float[Tensor, "n cells"]]:
    """Gaussian sums on a coarse grid, and the linear interpolation back from it."""
    cells = min(length, max(2, int(length * _CELLS_PER_SIGMA / sigma) + 1))
    pixels = torch.arange(length, dtype=like.dtype, device=like.device)
    step = (length - 1) / max(1, cells - 1)
    centers = torch.arange(cells, dtype=like.dtype, device=like.device) * step
    distance = centers[:, None] - pixels
    down = torch.exp(-0.5 * (distance / sigma) ** 2)
    up = (1 - distance.T.abs() / max(step, 1.0)).clamp_min(0)
    return down, up / up.sum(1, keepdim=True)


def normalize(
    image: Float[Tensor, "*batch h w"],
    valid: Bool[Tensor, "*batch h w"] | None = None,
    clip: float = 4.0,
) -> Float[Tensor, "*batch h w"]:
    """Each image with mean 0 and standard deviation 1 over its valid pixels, cut at `clip`.

    Mean and deviation are taken again after each of a few cuts, so that pixels of ice or carbon do
    not flatten the rest. Invalid pixels become 0, and so does a constant image.

    Parameters
    ----------
    image
        Images of any batch shape, each normalised by itself.
    valid
        Pixels that count; None for all.
    clip
        Largest grey level, in standard deviations.
    """
    counts = torch.ones_like(image) if valid is None else valid.to(image.dtype)
    number = counts.sum((-2, -1), keepdim=True).clamp_min(1)
    for _ in range(_PASSES):
        mean = (image * counts).sum((-2, -1), keepdim=True) / number
        image = (image - mean) * counts
        sd = ((image * image).sum((-2, -1), keepdim=True) / number).sqrt()
        image = torch.where(sd > _MIN_SD, image / sd.clamp_min(_MIN_SD), 0).clamp(-clip, clip)
    return image
