# SPDX-License-Identifier: GPL-3.0-or-later
"""From the projected density to the recorded image: CTF, noise, detector, electrons."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from cryosegment.core.optics.ctf import Ctf
from cryosegment.core.simulation.contamination import Contamination, ice_gradient
from cryosegment.core.simulation.noise import count_electrons, slow_noise, white_noise
from cryosegment.exchange.params import SimulateParams

# Shares of the noise's variance: white noise of the detector and the counting of electrons,
# structure of the ice (imaged through the CTF, so that it shows Thon rings), slow drift.
SHOT_SHARE, ICE_SHARE, DRIFT_SHARE = 0.74, 0.25, 0.01
# Ice is grainy: its power rises below the frequency of this wavelength as 1 / f^2, Å.
GRAIN = 30.0
# Slow drift has wavelengths above this, Å.
DRIFT_WAVELENGTH = 300.0
# Dose that sets the strength of absorption where no electrons are counted, e⁻/Å².
NOMINAL_DOSE = 30.0


def noise_contrast(params: SimulateParams) -> float:
    """The noise's standard deviation as a fraction of the beam.

    It is such that the counting noise has its share of the variance.
    """
    dose = params.dose or NOMINAL_DOSE
    return 1 / math.sqrt(dose * params.pixel_size**2 * SHOT_SHARE)


def record(
    params: SimulateParams,
    ctf: Ctf,
    potential: Float[Tensor, "h w"],
    dirt: Contamination,
    generator: torch.Generator,
) -> Float[Tensor, "h w"]:
    """Darkness of the image without counting noise, in units of the noise's sd.

    Parameters
    ----------
    params
        SNR, ice, detector.
    ctf
        The CTF.
    potential
        Projected density of the particles: the signal.
    dirt
        What comes on top.
    generator
        Source of the ice's structure and the drift.
    """
    height, width = params.size
    detector = detector_mtf(height, width, params.mtf, generator.device)
    transfer = ctf.transfer(height, width, params.pixel_size, generator.device)
    spectrum = torch.fft.rfft2(potential) * transfer
    signal = _signal_scale(params, spectrum * detector if params.mtf < 1 else spectrum)
    if dirt.density.any():
        spectrum += torch.fft.rfft2(dirt.density) * transfer
    ramp = _thickness_ramp(params, generator)
    # Amorphous ice, and that of contaminants, imaged through the CTF.
    transfer *= _grain(params).to(transfer.device)
    strength = math.sqrt(ICE_SHARE) / (transfer * detector).square().mean().sqrt()
    structure = torch.hypot((1 - params.ice_wedge * ramp).sqrt(), dirt.texture).mul_(strength)
    ice = torch.fft.rfft2(structure * white_noise(height, width, generator))
    darkness = torch.fft.irfft2(spectrum.mul_(signal).add_(ice.mul_(transfer)), s=params.size)
    drift = slow_noise(height, width, DRIFT_WAVELENGTH / params.pixel_size, generator)
    darkness += math.sqrt(DRIFT_SHARE) * drift + dirt.absorption
    darkness -= params.ice_gradient * ramp
    if params.mtf < 1:
        darkness = torch.fft.irfft2(torch.fft.rfft2(darkness) * detector, s=params.size)
    return darkness


def detector_mtf(
    height: int, width: int, nyquist: float, device: torch.device | None = None
) -> Float[Tensor, "h f"]:
    """Modulation transfer of the detector on the frequencies of `torch.fft.rfft2`.

    Parameters
    ----------
    height, width
        Size of the image, px.
    nyquist
        Its value m at the Nyquist frequency, in (0, 1]; at the frequency f it is
        1 / (1 + (1/m - 1) (f / Nyquist)^2), a Lorentzian as fits of measured detectors have it.
    device
        Where to compute.
    """
    y = torch.fft.fftfreq(height, device=device)[:, None]
    x = torch.fft.rfftfreq(width, device=device)[None, :]
    return ((y**2 + x**2) * (4 * (1 / nyquist - 1))).add_(1).reciprocal_()


def expose(
    params: SimulateParams, darkness: Float[Tensor, "h w"], generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """The recorded image: the shot noise added, or electrons counted.

    The detector counts, so that this noise is white whatever its modulation transfer.
    """
    height, width = params.size
    if params.dose == 0:
        noise = white_noise(height, width, generator)
        return noise.mul_(math.sqrt(SHOT_SHARE)).sub_(darkness)
    intensity = 1 - noise_contrast(params) * darkness
    return count_electrons(intensity, params.dose * params.pixel_size**2, generator)


def _signal_scale(params: SimulateParams, spectrum: Complex[Tensor, "h f"]) -> float:
    """Factor that brings the noise-free micrograph to its power; the noise has variance 1."""
    power = _power(spectrum, params.size)
    if params.snr_db is not None:
        mean = float(spectrum[0, 0].abs()) / (params.size[0] * params.size[1])
        return math.sqrt(10 ** (params.snr_db / 10) / max(power + mean**2, 1e-20))
    return math.sqrt(params.snr / max(power, 1e-20))


def _power(spectrum: Complex[Tensor, "h f"], size: tuple[int, int]) -> float:
    """Variance of the image whose `rfft2` this is (Parseval); the mean does not count."""
    power = spectrum.abs().square_()
    power[0, 0] = 0
    twice = power.sum() * 2 - power[:, 0].sum()
    if size[1] % 2 == 0:
        twice -= power[:, -1].sum()
    return float(twice) / (size[0] * size[1]) ** 2


def _thickness_ramp(params: SimulateParams, generator: torch.Generator) -> Float[Tensor, "h w"]:
    """From -0.5 or so where the ice is thick to 0.5 where it is thin; mean 0, range 1."""
    if params.ice_gradient or params.ice_wedge:
        return ice_gradient(params.size[0], params.size[1], 1.0, generator)
    return torch.zeros(1, 1, device=generator.device)


def _grain(params: SimulateParams) -> Float[Tensor, "h f"]:
    """Amplitude of the ice's structure on the frequencies of the CTF, 1 at high ones."""
    y = torch.fft.fftfreq(params.size[0], params.pixel_size)[:, None]
    x = torch.fft.rfftfreq(params.size[1], params.pixel_size)[None, :]
    waves = (y**2 + x**2).clamp_(min=DRIFT_WAVELENGTH**-2)
    return waves.mul_(GRAIN**2).reciprocal_().add_(1).sqrt_()
