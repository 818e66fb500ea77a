# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether particles are darker or brighter than the ice."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

BAND_SIGMA = 0.15
"""Standard deviation of the band-pass's inner Gaussian, in particle diameters. The outer one is
1.6 times as wide, so that the difference looks for blobs of about half a diameter and more."""

BLOCK_SIDE = 4.0
"""Side of the blocks whose skewness is taken, in particle diameters."""

BRIGHT_SKEWNESS = 0.1
"""Median skewness above which particles are called bright."""

_OUTER = 1.6


def detect_contrast(
    image: Float[Tensor, "h w"], diameter_px: float, valid: Bool[Tensor, "h w"] | None = None
) -> Literal["dark", "bright"]:
    """Side of the ice that the particles are on, "dark" or "bright".

    Particles are few and stand out to one side, so that the image, band-passed at their scale, is
    skewed to it. The median over blocks decides, so that a large contaminant or a carbon edge has
    no influence. Without evidence for bright particles, the result is dark.

    Parameters
    ----------
    image
        Working image, normalised.
    diameter_px
        Particle diameter in its pixels; a factor of two does little harm.
    valid
        Pixels that count; all by default.

    Notes
    -----
    Reliable where particles can be seen: on 14 real beta-galactosidase micrographs the median is
    -0.4 to -1.0 (-0.1 to -0.5 with a diameter wrong by two), so that contrast is always found
    right; on simulated micrographs of 64 kDa to 3.3 MDa it is -0.1 to -2.2 down to
    SNR 0.005. For faint particles it tends to 0, and bright ones may be called dark: then give the
    contrast. Empty ice, crystals and broken films, which hold no particles, give -0.9 to +0.1.
    """
    skewness = band_skewness(image, diameter_px, valid)
    return "bright" if skewness > BRIGHT_SKEWNESS else "dark"


def band_skewness(
    image: Float[Tensor, "h w"], diameter_px: float, valid: Bool[Tensor, "h w"] | None = None
) -> float:
    """Median over blocks of the skewness of an image band-passed at the particles' scale.

    Negative where particles are dark; 0 where no block is valid. The parameters are those of
    `detect_contrast`.
    """
    band = _band_pass(image, BAND_SIGMA * diameter_px)
    side = min(round(BLOCK_SIDE * diameter_px), *image.shape)
    blocks = _blocks(band, side)
    if valid is not None:
        blocks = blocks[_blocks(valid, side).all(1)]
    blocks = blocks - blocks.mean(1, keepdim=True)
    variance = (blocks**2).mean(1)
    skewness = (blocks**3).mean(1)[variance > 0] / variance[variance > 0] ** 1.5
    return float(skewness.median()) if len(skewness) else 0.0


def _blocks(values: Tensor, side: int) -> Tensor:
    """Square blocks of an image, one a row; what does not fill a block is left out."""
    blocks = values.unfold(0, side, side).unfold(1, side, side)
    return blocks.reshape(-1, side * side)


def _band_pass(image: Float[Tensor, "h w"], sigma: float) -> Float[Tensor, "h w"]:
    """Difference of two Gaussians, by Fourier transform."""
    height, width = image.shape
    y = torch.fft.fftfreq(height, dtype=image.dtype, device=image.device)
    x = torch.fft.rfftfreq(width, dtype=image.dtype, device=image.device)
    exponent = -2 * (torch.pi * sigma) ** 2 * (y[:, None] ** 2 + x**2)
    transfer = torch.exp(exponent) - torch.exp(exponent * _OUTER**2)
    return torch.fft.irfft2(torch.fft.rfft2(image) * transfer, s=(height, width))
