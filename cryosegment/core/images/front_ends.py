# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends: filters and denoisers of an image before the network.

All work at the working scale. Fourier cropping and the filters in Fourier space commute, so that
these give there what they give at the scale of the micrograph.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.cryosegnet import denoise_cryosegnet
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.optics.ctf import Ctf
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import (
    CRYOSEGNET,
    LOW_PASS,
    MEDIAN,
    WIENER,
    WITH_CTF,
    FrontEndParams,
)

LOW_PASS_OF_DIAMETER = 0.2
"""Default resolution of a low-pass, in particle diameters."""
BUTTERWORTH_ORDER = 4
WIENER_NOISE = 0.1
"""Power of the noise over that of the particles, at every frequency."""
MEDIAN_SIDE = 5
"""Side of the median's window, px."""

PixelSizes = tuple[float, float]
"""Å/px along y and x, which whole rows and columns make differ a little."""


def apply_front_end(
    image: Float[Tensor, "h w"],
    front_end: FrontEndParams,
    micrograph: Micrograph,
    scale_yx: PixelSizes,
    diameter: float,
) -> Float[Tensor, "h w"]:
    """Apply a front end to an image.

    Parameters
    ----------
    image
        Micrograph at working scale, finite.
    front_end
        The front end.
    micrograph
        The micrograph with its pixel size, and its CTF if the front end needs it.
    scale_yx
        Micrograph pixels per pixel of the image, along y and x.
    diameter
        Of the particles, Å.

    Raises
    ------
    InputError
        If the front end needs a CTF and the micrograph has none.
    """
    pixel_sizes = (micrograph.pixel_size * scale_yx[0], micrograph.pixel_size * scale_yx[1])
    if front_end.name == LOW_PASS:
        resolution = front_end.resolution or LOW_PASS_OF_DIAMETER * diameter
        return low_pass(image, pixel_sizes, resolution)
    if front_end.name in WITH_CTF:
        return correct_ctf(
            image, pixel_sizes, _ctf(micrograph, front_end), front_end.name == WIENER
        )
    if front_end.name == MEDIAN:
        return median(image)
    if front_end.name == CRYOSEGNET:
        return denoise_cryosegnet(image)
    return image


def _ctf(micrograph: Micrograph, front_end: FrontEndParams) -> Ctf:
    if micrograph.ctf is None:
        raise InputError(
            f"expected the CTF of {micrograph.name} for the model's front end {front_end.name}, "
            "found none: give CTFs that have it, or leave the micrograph out"
        )
    return Ctf(**dataclasses.asdict(micrograph.ctf))


def low_pass(
    image: Float[Tensor, "h w"], pixel_sizes: PixelSizes, resolution: float
) -> Float[Tensor, "h w"]:
    """Butterworth low-pass, with the value 0.5 at `resolution` (Å)."""
    y, x = _frequencies(image, pixel_sizes)
    ratio = (y**2 + x**2) * resolution**2
    return _filtered(image, 1 / (1 + ratio**BUTTERWORTH_ORDER))


def correct_ctf(
    image: Float[Tensor, "h w"], pixel_sizes: PixelSizes, ctf: Ctf, amplitudes: bool = False
) -> Float[Tensor, "h w"]:
    """Correct an image for its CTF: phases are flipped where the CTF is negative.

    Parameters
    ----------
    image
        Image; the contrast of particles does not change.
    pixel_sizes
        Å/px along y and x.
    ctf
        Of the micrograph.
    amplitudes
        Whether a Wiener filter raises the amplitudes as well.
    """
    transfer = ctf.at_frequencies(*_frequencies(image, pixel_sizes))
    if amplitudes:
        return _filtered(image, transfer / (transfer**2 + WIENER_NOISE))
    return _filtered(image, torch.where(transfer < 0, -1.0, 1.0))


def median(image: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Median of the pixels around each, beyond the border those on it."""
    values = np.ascontiguousarray(image.cpu().numpy(), dtype=np.float32)
    return torch.from_numpy(cv2.medianBlur(values, MEDIAN_SIDE)).to(image)


def _frequencies(
    image: Float[Tensor, "h w"], pixel_sizes: PixelSizes
) -> tuple[Float[Tensor, "h 1"], Float[Tensor, "1 f"]]:
    """Of `torch.fft.rfft2`, 1/Å."""
    height, width = image.shape
    y = torch.fft.fftfreq(height, pixel_sizes[0], device=image.device)
    x = torch.fft.rfftfreq(width, pixel_sizes[1], device=image.device)
    return y[:, None], x[None, :]


def _filtered(image: Float[Tensor, "h w"], transfer: Float[Tensor, "h f"]) -> Float[Tensor, "h w"]:
    return torch.fft.irfft2(torch.fft.rfft2(image) * transfer, s=image.shape)
