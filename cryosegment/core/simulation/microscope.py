# SPDX-License-Identifier: GPL-3.0-or-later
"""From the density of a scene to its image: CTF, noise, background, debris."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.optics.ctf import wavelength
from cryosegment.core.simulation.debris import Debris
from cryosegment.core.simulation.layers import log_uniform, smooth_field

NEGATIVE_STAIN = 0.06
"""Share of the scenes that are stained: particles have contrast at all frequencies, and stain
around them."""
PHASE_PLATE, PHASE_FLIPPED, LOW_PASSED, RESTORED = 0.08, 0.15, 0.12, 0.08
"""Shares of the other scenes that have a phase plate, are corrected, smoothed strongly, or restored
to the contrast of projections."""
STRUCTURED = 0.4
"""Share of the scenes whose noise goes in part through the CTF, as that of thick ice and continuous
carbon does."""


@dataclass(frozen=True)
class Exposure:
    """How a scene is recorded.

    Parameters
    ----------
    pixel_size
        Å/px.
    diameter
        Particle diameter, px.
    snr
        Variance of the particles' signal over that of the noise.
    """

    pixel_size: float
    diameter: float
    snr: float


def take_image(
    signal: Float[Tensor, "h h"],
    debris: Debris,
    exposure: Exposure,
    random: np.random.Generator,
    recorded: Float[Tensor, "h h"] | None = None,
) -> Float[Tensor, "h h"]:
    """The image of a scene; particles dark.

    Parameters
    ----------
    signal
        Projected density of the particles.
    debris
        What else is there.
    exposure
        How it is recorded.
    random
        Source of optics, noise and background.
    recorded
        Noise and background of a real micrograph, of unit variance, in place of simulated ones.
    """
    side = signal.shape[0]
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    is_stained = random.random() < NEGATIVE_STAIN
    draw = _stain if is_stained else _transfer
    transfer = draw(frequency, exposure, random)
    seen = torch.fft.irfft2(torch.fft.rfft2(signal + debris.texture) * transfer, s=(side, side))
    is_empty = not bool(signal.any())
    strength = 0.3 if is_empty else float(seen[signal > 0.05 * signal.max()].std())
    sd = strength / exposure.snr**0.5
    contrast = strength * log_uniform(random, 1.0, 6.0) * max(1.0, exposure.snr**-0.5 * 0.7)
    if recorded is None:
        noise = _noise(frequency, transfer, random)
        background = torch.from_numpy(_background(side, exposure.diameter, random))
        recorded = noise / noise.std() + background
    return -seen + sd * recorded + contrast * debris.shade


def _transfer(
    frequency: np.ndarray, exposure: Exposure, random: np.random.Generator
) -> Float[Tensor, "h f"]:
    """A CTF with envelope, positive where protein comes out dark."""
    squared = (frequency / exposure.pixel_size) ** 2
    defocus = log_uniform(random, 4e3, 4e4)
    electron = wavelength(float(random.choice([200, 300])))
    phase = np.pi * electron * defocus * squared
    phase -= 0.5 * np.pi * 2.7e7 * electron**3 * squared**2
    if random.random() < PHASE_PLATE:
        phase += random.uniform(0.25, 0.6) * np.pi
    amplitude = random.uniform(0.05, 0.15)
    transfer = np.sqrt(1 - amplitude**2) * np.sin(phase) + amplitude * np.cos(phase)
    kind = random.random()
    if kind < PHASE_FLIPPED:
        transfer = np.abs(transfer)
    elif kind < PHASE_FLIPPED + LOW_PASSED:
        transfer = transfer * np.exp(-((frequency / frequency.max()) ** 2) * 6)
    elif kind < PHASE_FLIPPED + LOW_PASSED + RESTORED:
        transfer = np.ones_like(transfer)
    envelope = np.exp(-random.uniform(20, 400) / 4 * squared)
    return torch.from_numpy((transfer * envelope).astype(np.float32))


def _stain(
    frequency: np.ndarray, exposure: Exposure, random: np.random.Generator
) -> Float[Tensor, "h f"]:
    """Transfer of stained particles: amplitude contrast, and a rim of stain around each."""
    width = exposure.diameter * random.uniform(0.15, 0.5)
    rim = random.uniform(0.3, 1.0) * np.exp(-2 * (np.pi * width * frequency) ** 2)
    grain = exposure.diameter * random.uniform(0.02, 0.1)
    envelope = np.exp(-2 * (np.pi * grain * frequency) ** 2)
    return torch.from_numpy(((1 - rim) * envelope).astype(np.float32))


def _noise(
    frequency: np.ndarray, transfer: Float[Tensor, "h f"], random: np.random.Generator
) -> Float[Tensor, "h h"]:
    """Coloured noise: of the detector, and of the structure that the optics image."""
    colour = _colour(frequency, random)
    if random.random() < STRUCTURED:
        share = random.uniform(0.2, 1.0)
        optics = transfer.abs() / transfer.square().mean().sqrt()
        colour = colour * (1 - share + share * optics)
    side = frequency.shape[0]
    white = torch.from_numpy(random.standard_normal((side, side), dtype=np.float32))
    return torch.fft.irfft2(torch.fft.rfft2(white) * colour, s=(side, side))


def _colour(frequency: np.ndarray, random: np.random.Generator) -> Float[Tensor, "h f"]:
    """Amplitude spectrum of the noise: white, a power law, and a low-pass of some depth."""
    corner = random.uniform(0.01, 0.1)
    rise = random.uniform(0, 4) * (1 + (frequency / corner) ** 2) ** (-random.uniform(0.3, 1.0))
    fall = np.exp(-((frequency / random.uniform(0.25, 1.5)) ** 2))
    floor = random.uniform(0.02, 0.5)
    return torch.from_numpy(((rise + 1.0) * (fall + floor)).astype(np.float32))


def _background(side: int, diameter: float, random: np.random.Generator) -> np.ndarray:
    """Thickness that changes over the scene, and a texture coarser than particles; noises."""
    slope = random.normal(0, 0.5, 2).astype(np.float32)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    background = slope[0] * axis[:, None] + slope[1] * axis[None]
    if random.random() < 0.5:
        scale = diameter * log_uniform(random, 1.5, 8.0)
        background = background + random.exponential(0.4) * smooth_field(side, scale, random)
    return background.astype(np.float32)
