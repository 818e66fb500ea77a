# SPDX-License-Identifier: GPL-3.0-or-later
"""What power spectra say of the ice at the scale of the particles: is there any, is it mottled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.normalize import MAD_TO_SD

FEWEST, USUAL = 4.0, 6.0
"""Side of the squares whose spectra are taken, in particle diameters: at least, and if possible."""
MOST = 8
"""Squares along either axis, at most."""
LONG, PARTICLE, SHORT = (2.0, 4.0), (1.0, 2.0), (0.5, 1.0)
"""Bands of wavelengths, in particle diameters."""
NOISE = (0.37, 0.48)
"""Band in which there is noise alone, in cycles per pixel."""
LONG_SIGMAS = (0.5, 1.0)
"""Gaussians whose difference passes the band of long wavelengths, in particle diameters."""
CELL = 0.2
"""Side of the cells that the difference is taken of, in particle diameters."""
TAIL = 0.02
"""Share of the pixels in each tail."""
NORMAL_TAIL = 2.054
"""Where the tails of a normal distribution begin, in standard deviations."""


@dataclass(frozen=True)
class IceTexture:
    """Texture of a micrograph.

    Parameters
    ----------
    structure
        Largest factor between the power in a band of wavelengths from half a particle diameter to
        four and that of the noise; medians over the micrograph. White noise has 1, ice and
        particles more; NaN where pixels are too large to tell.
    mottling
        Power at wavelengths of two to four particle diameters over that at half a diameter to
        one, median over the micrograph. Phase contrast is weak at long wavelengths; domains of
        crystals near a Bragg condition are dark themselves.
    tails
        Width of the distribution of grey levels at long wavelengths over that of a normal one
        with the same middle. Mottling that is noise has 1.
    """

    structure: float
    mottling: float
    tails: float


def ice_texture(
    image: Float[Tensor, "h w"], diameter: float, sampling: float = 1.0
) -> IceTexture | None:
    """Texture of an image; None if it is constant, or smaller than four particle diameters.

    Parameters
    ----------
    image
        Without its dead border, before any filter.
    diameter
        Particle diameter, px.
    sampling
        Highest frequency with signal over that of the pixels: below 1 in enlarged images.
    """
    side = round(min(USUAL * diameter, *image.shape))
    if side < FEWEST * diameter or float(image.std()) == 0:
        return None
    power = torch.stack(list(_spectra(image, side)))
    y = torch.fft.fftfreq(side, device=image.device)[:, None]
    x = torch.fft.rfftfreq(side, device=image.device)
    frequency = torch.hypot(y, x)
    off_axes = (y.abs() * side > 0.5) & (x * side > 0.5)

    def level(low: float, high: float) -> Float[Tensor, " squares"]:
        chosen = (frequency >= low) & (frequency < high) & off_axes
        return power[:, chosen].mean(1).clamp_min(torch.finfo(power.dtype).tiny)

    bands = [
        level(1 / (long * diameter), 1 / (short * diameter))
        for short, long in (LONG, PARTICLE, SHORT)
    ]
    structure = math.nan
    if 1 / (SHORT[0] * diameter) < NOISE[0] * sampling:
        noise = level(NOISE[0] * sampling, NOISE[1] * sampling)
        ratios = torch.stack([(band / noise).median() for band in bands])
        structure = float(ratios.log().abs().max().exp())
    mottling = float((bands[0] / bands[-1]).median())
    return IceTexture(structure, mottling, _tails(image, diameter))


def _spectra(image: Float[Tensor, "h w"], side: int) -> Iterator[Float[Tensor, "side half"]]:
    """Power spectra of squares, spread evenly; in small images they overlap by about half."""
    window = torch.hann_window(side, periodic=False, dtype=image.dtype, device=image.device)
    window = window[:, None] * window
    rows, columns = (
        torch.linspace(0, length - side, min(MOST, max(1, round(2 * length / side) - 1)))
        .long()
        .tolist()
        for length in image.shape
    )
    for row in rows:
        for column in columns:
            square = image[row : row + side, column : column + side]
            yield torch.fft.rfft2((square - square.mean()) * window).abs().square()


def _tails(image: Float[Tensor, "h w"], diameter: float) -> float:
    cell = max(1, round(CELL * diameter))
    cells = torch.nn.functional.avg_pool2d(image[None], cell)[0].cpu().numpy()
    fine, coarse = (cv2.GaussianBlur(cells, (0, 0), s * diameter / cell) for s in LONG_SIGMAS)
    band = fine - coarse
    deviation = MAD_TO_SD * float(np.median(np.abs(band - np.median(band))))
    low, high = np.quantile(band, (TAIL, 1 - TAIL))
    return float(high - low) / (2 * NORMAL_TAIL * max(deviation, 1e-30))
