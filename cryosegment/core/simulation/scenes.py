# SPDX-License-Identifier: GPL-3.0-or-later
"""Training scenes simulated at the working scale, with exact targets.

A micrograph at full size takes seconds; the network sees it at about 20 px per particle, where
the same physics (projection, CTF, coloured noise, ice, carbon) costs milliseconds. What a
detector and a motion-correction programme add is drawn by `looks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.broken import break_views
from cryosegment.core.simulation.debris import Debris, draw_debris
from cryosegment.core.simulation.layers import log_uniform
from cryosegment.core.simulation.looks import draw_look
from cryosegment.core.simulation.microscope import Exposure, take_image
from cryosegment.core.simulation.textures import Texture, draw_texture
from cryosegment.core.simulation.views import compose, draw_views

MARGIN = 32
FEW = 8
BROKEN = (0.1, 0.6)
"""Share of the particles that are broken, in scenes that have broken ones."""
SMALL = (0.25, 0.5)
"""Diameter of molecules that are not the particles, over theirs."""


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
        Variance of the particles' signal over that of the noise, at working scale: lowest, a
        middle one, highest.
    hard
        Share of scenes below the middle SNR.
    clean
        Share of scenes without contamination.
    empty
        Share of scenes without particles.
    sparse
        Share of scenes with at most `FEW` particles.
    others
        Share of scenes with molecules too small to be the particles.
    broken
        Share of scenes in which some of the particles are broken: these are contamination.
    real
        Share of scenes on the background of a real micrograph, if there are any.
    """

    size: int = 256
    diameter: float = 20.0
    scale: tuple[float, float] = (0.75, 1.33)
    snr: tuple[float, float, float] = (0.01, 0.2, 30.0)
    hard: float = 0.5
    clean: float = 0.55
    empty: float = 0.08
    sparse: float = 0.4
    others: float = 0.12
    broken: float = 0.0
    real: float = 0.12


def draw_scene(
    bank: ProjectionBank,
    settings: SceneSettings,
    random: np.random.Generator,
    textures: Sequence[Texture] = (),
) -> Scene:
    """One scene of one or two molecules.

    Parameters
    ----------
    bank
        Molecules to draw from.
    settings
        Ranges; every draw is uniform, in the logarithm where a range spans factors.
    random
        Source of randomness.
    textures
        Backgrounds of real micrographs.
    """
    canvas = settings.size + 2 * MARGIN
    molecule = int(random.integers(len(bank.diameters)))
    true_px = settings.diameter * log_uniform(random, *settings.scale)
    debris, recorded = _draw_surroundings(canvas, settings, random, textures)
    centers = place(canvas, true_px, settings, debris, random)
    is_broken = _choose_broken(len(centers), settings, random)
    broken, centers = centers[is_broken], centers[~is_broken]
    signal, instances = _draw_particles(bank, molecule, centers, true_px, canvas, random)
    covered = debris.mask
    if len(broken):
        views = draw_views(bank, molecule, broken, true_px, random)
        pieces, outlines = compose(*break_views(*views, true_px, random), broken, canvas)
        signal = signal + pieces
        covered = torch.where((outlines > 0) & (instances == 0), 1.0, covered)
    signal = signal + draw_aggregates(bank, debris, true_px, canvas, random)
    if random.random() < settings.others:
        signal = signal + draw_others(bank, true_px, canvas, random)
    pixel_size = float(bank.diameters[molecule]) / true_px * log_uniform(random, 0.6, 1.4)
    exposure = Exposure(pixel_size, settings.diameter, draw_snr(settings, random))
    image = take_image(signal, debris, exposure, random, recorded)
    image = draw_look(image, settings.diameter, random)
    window = slice(MARGIN, -MARGIN)
    inside = instances[window, window].clone()
    covered = covered[window, window]
    inside[covered > 0] = 0
    return Scene(image[window, window], inside, covered, centers - MARGIN)


def _draw_surroundings(
    canvas: int,
    settings: SceneSettings,
    random: np.random.Generator,
    textures: Sequence[Texture],
) -> tuple[Debris, Float[Tensor, "h w"] | None]:
    """Debris, and the background of a real micrograph with what lies on it, or None."""
    if not textures or random.random() >= settings.real:
        return draw_debris(canvas, settings.diameter, settings.clean, random), None
    image, mask = draw_texture(textures, canvas, random)
    clean = draw_debris(canvas, settings.diameter, 1.0, random)
    return replace(clean, mask=torch.from_numpy(mask)), torch.from_numpy(image)


def draw_snr(settings: SceneSettings, random: np.random.Generator) -> float:
    low, middle, high = settings.snr
    is_hard = random.random() < settings.hard
    return log_uniform(random, *((low, middle) if is_hard else (middle, high)))


def place(
    canvas: int,
    true_px: float,
    settings: SceneSettings,
    debris: Debris,
    random: np.random.Generator,
) -> Float[Tensor, "n 2"]:
    """Centres that keep a distance of their own to each other and stay off the debris."""
    kind = random.random()
    if kind < settings.empty:
        return torch.zeros(0, 2)
    spacing = true_px * random.uniform(0.6, 1.3)
    attempts = int(log_uniform(random, 0.08, 2.5) * (canvas / spacing) ** 2)
    if kind < settings.empty + settings.sparse:
        attempts = int(random.integers(1, FEW + 1))
    candidates = random.uniform(0, canvas - 1, (max(attempts, 1), 2))
    blocked = debris.mask.numpy()[candidates[:, 0].astype(int), candidates[:, 1].astype(int)] > 0
    kept = np.empty((0, 2))
    for candidate in candidates[~blocked]:
        if not len(kept) or np.square(kept - candidate).sum(1).min() > spacing**2:
            kept = np.vstack((kept, candidate))
    return torch.from_numpy(kept).float()


def _choose_broken(
    count: int, settings: SceneSettings, random: np.random.Generator
) -> Bool[Tensor, " n"]:
    """Which of the particles are broken: in some scenes a share of them, else none."""
    if not settings.broken or random.random() >= settings.broken:
        return torch.zeros(count, dtype=torch.bool)
    return torch.from_numpy(random.random(count) < random.uniform(*BROKEN))


def _draw_particles(
    bank: ProjectionBank,
    molecule: int,
    centers: Float[Tensor, "n 2"],
    true_px: float,
    canvas: int,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "h w"], Int[Tensor, "h w"]]:
    """Summed projections, and instances in which the nearer centre owns a shared pixel."""
    if not len(centers):
        return torch.zeros(canvas, canvas), torch.zeros(canvas, canvas, dtype=torch.int32)
    density, shape = draw_views(bank, molecule, centers, true_px, random)
    return compose(density, shape, centers, canvas)


def draw_aggregates(
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


def draw_others(
    bank: ProjectionBank, true_px: float, canvas: int, random: np.random.Generator
) -> Float[Tensor, "h w"]:
    """Molecules or fragments that are smaller than the particles and are not to be picked."""
    count = int(log_uniform(random, 1, 40))
    centers = torch.from_numpy(random.uniform(0, canvas - 1, (count, 2))).float()
    molecule = int(random.integers(len(bank.diameters)))
    small_px = true_px * random.uniform(*SMALL)
    return _draw_particles(bank, molecule, centers, small_px, canvas, random)[0]
