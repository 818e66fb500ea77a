# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise: Gaussian with a given power spectrum, and the counting of electrons."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from cryosegment.exchange.errors import ParameterError


def white_noise(height: int, width: int, generator: torch.Generator) -> Float[Tensor, "h w"]:
    """Gaussian noise of mean 0 and variance 1."""
    return torch.randn(height, width, generator=generator, device=generator.device)


def coloured_noise(
    height: int, width: int, power: Float[Tensor, " bins"], generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """Gaussian noise with a radial power spectrum.

    Parameters
    ----------
    height, width
        Size of the image, px.
    power
        Power at evenly spaced frequencies from 0 to 0.5 cycles per pixel, linear between them
        and constant beyond; power 1 everywhere is white noise of variance 1.
    generator
        Source of the noise.
    """
    spectrum = torch.fft.rfft2(white_noise(height, width, generator))
    spectrum *= radial_power(height, width, power.to(generator.device)).sqrt()
    return torch.fft.irfft2(spectrum, s=(height, width))


def radial_power(height: int, width: int, power: Float[Tensor, " bins"]) -> Float[Tensor, "h f"]:
    """A radial spectrum, as for `coloured_noise`, on the frequencies of `torch.fft.rfft2`."""
    y = torch.fft.fftfreq(height, device=power.device)[:, None]
    x = torch.fft.rfftfreq(width, device=power.device)[None, :]
    position = (2 * (len(power) - 1)) * torch.hypot(y, x)
    low = position.floor().clamp(max=len(power) - 2).long()
    share = (position - low).clamp(max=1)
    return torch.lerp(power[low], power[low + 1], share)


def slow_noise(
    height: int, width: int, wavelength: float, generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """Smooth Gaussian noise, variance about 1, power f^-2 down to f = 1/(30 wavelength).

    Parameters
    ----------
    height, width
        Size of the image, px.
    wavelength
        Shortest wavelength, px.
    generator
        Source of the noise.
    """
    # Made on a grid of eight points per wavelength.
    step = max(1, int(wavelength / 8))
    coarse = [-(-length // step) + 2 for length in (height, width)]
    frequency = torch.linspace(0, 0.5, 2049)
    knee = min(step / wavelength, 0.5)
    power = frequency.clamp(min=knee / 30) ** -2.0
    power *= (frequency > 0) & (frequency <= knee)
    # The variance is the integral of the power over the plane of frequencies.
    power /= 2 * torch.pi * torch.trapezoid(power * frequency, frequency)
    noise = coloured_noise(coarse[0], coarse[1], power, generator)
    if step == 1:
        return noise[:height, :width].contiguous()
    size = (coarse[0] * step, coarse[1] * step)
    smooth = interpolate(noise[None, None], size=size, mode="bicubic", align_corners=False)
    return smooth[0, 0, step : step + height, step : step + width].contiguous()


def count_electrons(
    intensity: Float[Tensor, "h w"], dose: float, generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """Electrons counted in each pixel: Poisson around intensity × dose.

    Parameters
    ----------
    intensity
        Relative to the beam, 1 = nothing in the way; below 0 counts as 0.
    dose
        Electrons that reach a pixel where nothing is in the way.
    generator
        Source of the noise.

    Raises
    ------
    ParameterError
        If the dose is not above 0.
    """
    if not dose > 0:
        raise ParameterError(f"expected a dose above 0 electrons per pixel, got {dose}")
    return torch.poisson((intensity * dose).clamp_(min=0), generator=generator)
