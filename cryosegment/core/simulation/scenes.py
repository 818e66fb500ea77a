# SPDX-License-Identifier: GPL-3.0-or-later
"""Training scenes simulated at the working scale, with exact targets.

A micrograph at full size takes seconds; the network sees it at about 20 px per particle, where
the same physics (projection, CTF, coloured noise, ice, carbon) costs milliseconds. What a
detector and a motion-correction programme add is drawn by `looks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.ctf import wavelength
from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, ProjectionBank
from cryosegment.core.simulation.debris import Debris, draw_debris
from cryosegment.core.simulation.looks import draw_look

MARGIN = 32
PATCH = 56
"""Side of a drawn particle, px: 1.33 times the jittered diameter and its rotation's corners."""


@dataclass(frozen=True)
class Scene:
    """A simulated patch at working scale.

    Parameters
    ----------
    image
        `(h, w)` particles dark, not normalised.
    instances
        `(h, w)` 0 is background, k the particle of row k - 1 of `centers_yx`.
    contamination
        `(h, w)` 1 on ice, carbon, aggregates.
    centers_yx
        `(n, 2)` px; a centre may lie outside the patch.
    """

    image: Float[Tensor, "h w"]
    instances: Int[Tensor, "h w"]
    contamination: Float[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class SceneSettings:
    """Ranges that scenes are drawn from.

    Parameters
    ----------
    size
        Height and width of a scene, px.
    diameter
        Nominal particle diameter, px.
    scale
        True over nominal diameter: a user's diameter is never exact.
    snr
        Variance of the particles' signal over that of the noise, at working scale.
    clean
        Share of scenes without contamination.
    empty
        Share of scenes without particles.
    """

    size: int = 256
    diameter: float = 20.0
    scale: tuple[float, float] = (0.75, 1.33)
    snr: tuple[float, float] = (0.05, 4.0)
    clean: float = 0.4
    empty: float = 0.06


def draw_scene(bank: ProjectionBank, settings: SceneSettings, random: np.random.Generator) -> Scene:
    """One scene of one or two molecules.

    Parameters
    ----------
    bank
        Molecules to draw from.
    settings
        Ranges; every draw is uniform, in the logarithm where a range spans factors.
    random
        Source of randomness.
    """
    canvas = settings.size + 2 * MARGIN
    molecule = int(random.integers(len(bank.diameters)))
    true_px = settings.diameter * _log_uniform(random, *settings.scale)
    debris = draw_debris(canvas, settings.diameter, settings.clean, random)
    centers = _place(canvas, true_px, settings.empty, debris, random)
    signal, instances = _draw_particles(bank, molecule, centers, true_px, canvas, random)
    signal = signal + _draw_aggregates(bank, debris, true_px, canvas, random)
    pixel_size = float(bank.diameters[molecule]) / true_px * _log_uniform(random, 0.6, 1.4)
    image = _through_microscope(signal, debris, pixel_size, settings.snr, random)
    image = draw_look(image, settings.diameter, random)
    window = slice(MARGIN, -MARGIN)
    inside = instances[window, window].clone()
    covered = debris.mask[window, window]
    inside[covered > 0] = 0
    return Scene(image[window, window], inside, covered, centers - MARGIN)


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _place(
    canvas: int, true_px: float, empty: float, debris: Debris, random: np.random.Generator
) -> Float[Tensor, "n 2"]:
    """Centres that keep a distance of their own to each other and stay off the debris."""
    if random.random() < empty:
        return torch.zeros(0, 2)
    spacing = true_px * random.uniform(0.6, 1.3)
    attempts = int(_log_uniform(random, 0.08, 2.5) * (canvas / spacing) ** 2)
    candidates = random.uniform(0, canvas - 1, (max(attempts, 1), 2))
    blocked = debris.mask.numpy()[candidates[:, 0].astype(int), candidates[:, 1].astype(int)] > 0
    kept = np.empty((0, 2))
    for candidate in candidates[~blocked]:
        if not len(kept) or np.square(kept - candidate).sum(1).min() > spacing**2:
            kept = np.vstack((kept, candidate))
    return torch.from_numpy(kept).float()


def _draw_particles(
    bank: ProjectionBank,
    molecule: int,
    centers: Float[Tensor, "n 2"],
    true_px: float,
    canvas: int,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "h w"], Int[Tensor, "h w"]]:
    """Summed projections, and instances in which the nearer centre owns a shared pixel."""
    signal = torch.zeros(canvas, canvas)
    instances = torch.zeros(canvas, canvas, dtype=torch.int32)
    nearest = torch.full((canvas, canvas), float("inf"))
    if not len(centers):
        return signal, instances
    density, shape = _views(bank, molecule, centers, true_px, random)
    offsets = torch.arange(PATCH, dtype=torch.float32) - PATCH // 2
    corners = centers.round().int() - PATCH // 2
    fractions = centers - centers.round()
    for k, (corner, fraction) in enumerate(zip(corners.tolist(), fractions.tolist(), strict=True)):
        rows, columns, patch = _window(corner, canvas)
        signal[rows, columns] += density[k][patch]
        distance = (offsets[patch[0], None] - fraction[0]) ** 2
        distance = distance + (offsets[None, patch[1]] - fraction[1]) ** 2
        owned = (shape[k][patch] > 0.5) & (distance < nearest[rows, columns])
        instances[rows, columns][owned] = k + 1
        nearest[rows, columns][owned] = distance[owned]
    return signal, instances


def _window(corner: list[int], canvas: int) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the canvas that a patch covers, and that part of the patch."""
    spans = [slice(max(start, 0), min(start + PATCH, canvas)) for start in corner]
    rows, columns = spans
    row, column = (
        slice(s.start - start, s.stop - start) for s, start in zip(spans, corner, strict=True)
    )
    return rows, columns, (row, column)


def _views(
    bank: ProjectionBank,
    molecule: int,
    centers: Float[Tensor, "n 2"],
    true_px: float,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "n p p"], Float[Tensor, "n p p"]]:
    """Projections and silhouettes rotated in plane, scaled and shifted to sub-pixel centres."""
    count = len(centers)
    few = random.random() < 0.2  # preferred orientation
    pool = random.permutation(bank.projections.shape[1])[: 4 if few else None]
    chosen = torch.from_numpy(random.choice(pool, count))
    planes = torch.stack((bank.projections[molecule], bank.silhouettes[molecule]), 1)[chosen]
    angle = torch.from_numpy(random.uniform(0, 2 * np.pi, count)).float()
    mirror = torch.from_numpy(random.choice([-1.0, 1.0], count)).float()
    cosine, sine = angle.cos(), angle.sin()
    zoom = PIXELS_PER_DIAMETER / true_px
    grid = torch.arange(PATCH, dtype=torch.float32) - PATCH // 2
    fraction = centers - centers.round()
    y = (grid[None, :] - fraction[:, :1])[:, :, None]
    x = (grid[None, :] - fraction[:, 1:])[:, None, :]
    source_x = zoom * (cosine[:, None, None] * x + sine[:, None, None] * y) * mirror[:, None, None]
    source_y = zoom * (cosine[:, None, None] * y - sine[:, None, None] * x)
    half = planes.shape[-1] / 2  # the origin n // 2 lies half a pixel past the middle of the grid
    sample = torch.stack(((source_x + 0.5) / half, (source_y + 0.5) / half), -1)
    drawn = functional.grid_sample(planes.float(), sample, align_corners=False)
    strength = torch.from_numpy(random.uniform(0.75, 1.25, (count, 1, 1))).float()
    return drawn[:, 0] * strength, drawn[:, 1]


def _draw_aggregates(
    bank: ProjectionBank,
    debris: Debris,
    true_px: float,
    canvas: int,
    random: np.random.Generator,
) -> Float[Tensor, "h w"]:
    """Heaps of particles where the debris holds aggregates."""
    if not len(debris.aggregates):
        return torch.zeros(canvas, canvas)
    heap = torch.cat(
        [
            center
            + radius * torch.from_numpy(random.normal(0, 0.5, (max(4, int(radius)), 2))).float()
            for center, radius in zip(
                debris.aggregates, debris.aggregate_radii.tolist(), strict=True
            )
        ]
    ).clamp(0, canvas - 1)
    molecule = int(random.integers(len(bank.diameters)))
    return _draw_particles(bank, molecule, heap, true_px, canvas, random)[0]


def _through_microscope(
    signal: Float[Tensor, "h w"],
    debris: Debris,
    pixel_size: float,
    snr_range: tuple[float, float],
    random: np.random.Generator,
) -> Float[Tensor, "h w"]:
    """CTF, noise that rises towards low frequencies, debris; particles dark."""
    side = signal.shape[0]
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    transfer = _transfer(frequency / pixel_size, random)
    colour = _noise_colour(frequency, random)
    seen = torch.fft.irfft2(torch.fft.rfft2(signal + debris.texture) * transfer, s=(side, side))
    noise = torch.from_numpy(random.standard_normal((side, side), dtype=np.float32))
    noise = torch.fft.irfft2(torch.fft.rfft2(noise) * colour, s=(side, side))
    support = signal > 0.05 * signal.max() if signal.max() > 0 else signal > -1
    strength = seen[support].std() if signal.max() > 0 else torch.tensor(0.3)
    snr = _log_uniform(random, *snr_range)
    noise = noise * (strength / (noise.std() * snr**0.5))
    contrast = strength * _log_uniform(random, 1.0, 6.0) * max(1.0, snr**-0.5 * 0.7)
    ramp = torch.from_numpy(random.normal(0, 1, 2).astype(np.float32))
    axis = torch.linspace(-1, 1, side)
    thickness = ramp[0] * axis[:, None] + ramp[1] * axis[None]
    return -seen + noise + contrast * debris.shade + 0.5 * noise.std() * thickness


def _transfer(frequency: np.ndarray, random: np.random.Generator) -> Float[Tensor, "h w"]:
    """A CTF with envelope at `frequency` 1/Å, positive where protein comes out dark."""
    defocus = _log_uniform(random, 4e3, 4e4)
    electron = wavelength(float(random.choice([200, 300])))
    phase = np.pi * electron * defocus * frequency**2
    phase -= 0.5 * np.pi * 2.7e7 * electron**3 * frequency**4
    amplitude = random.uniform(0.05, 0.15)
    transfer = np.sqrt(1 - amplitude**2) * np.sin(phase) + amplitude * np.cos(phase)
    kind = random.random()
    if kind < 0.15:  # phase-flipped or Wiener-filtered input
        transfer = np.abs(transfer)
    elif kind < 0.3:  # strongly low-passed: only the first lobe
        transfer = transfer * np.exp(-((frequency / frequency.max()) ** 2) * 6)
    envelope = np.exp(-random.uniform(20, 400) / 4 * frequency**2)
    return torch.from_numpy((transfer * envelope).astype(np.float32))


def _noise_colour(frequency: np.ndarray, random: np.random.Generator) -> Float[Tensor, "h w"]:
    """Amplitude spectrum of the noise: white, a power law, and a low-pass of some depth."""
    corner = random.uniform(0.01, 0.1)
    rise = random.uniform(0, 4) * (1 + (frequency / corner) ** 2) ** (-random.uniform(0.3, 1.0))
    fall = np.exp(-((frequency / random.uniform(0.25, 1.5)) ** 2))
    floor = random.uniform(0.02, 0.5)
    return torch.from_numpy(((rise + 1.0) * (fall + floor)).astype(np.float32))
