# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle images as a picker would extract them from a simulated scene, good and bad.

A scene at working scale is drawn like those that picking is trained on, with some particles
broken and some scenes spoilt as a whole; then boxes are cut out of it: around particles, beside
them, on debris and on empty ice. What each box holds, and whether it is a good particle, is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.debris import draw_debris
from cryosegment.core.simulation.layers import log_uniform
from cryosegment.core.simulation.looks import draw_look
from cryosegment.core.simulation.microscope import Exposure, take_image
from cryosegment.core.simulation.scenes import (
    MARGIN,
    SceneSettings,
    draw_aggregates,
    draw_others,
    draw_snr,
    place,
)
from cryosegment.core.simulation.views import compose, draw_views

CENTRED = 0.2
"""A box is centred if its middle is no further from the particle's than this many diameters."""
MOST_HIDDEN = 0.15
"""A particle of which others or debris hide more than this share is not good."""
JITTER = 0.07
"""Standard deviation of a picker's error along each axis, in diameters."""
FAR = (0.27, 0.8)
"""Distance of a box that is off-centre from its particle, in diameters."""
REMAINING = (0.3, 0.7)
"""What remains of a broken particle, as a share of its width."""
GOOD, OFF_CENTRE, BROKEN, DEBRIS, EMPTY = "good", "off-centre", "broken", "debris", "empty"
SHARES = {GOOD: 0.5, OFF_CENTRE: 0.13, BROKEN: 0.1, DEBRIS: 0.14, EMPTY: 0.13}
"""How often a box of each kind is drawn where the scene has such places."""


@dataclass(frozen=True)
class ParticleSettings:
    """Ranges that particle images are drawn from.

    Parameters
    ----------
    scene
        Of the scenes that boxes are cut out of.
    broken
        Share of the particles that are broken.
    spoilt
        Share of the scenes that nothing good comes from: a wrong CTF, or drift.
    """

    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            size=160,
            diameter=24.0,
            snr=(0.05, 0.6, 20.0),
            hard=0.6,
            clean=0.5,
            empty=0.03,
            sparse=0.3,
        )
    )
    broken: float = 0.12
    spoilt: float = 0.06


@dataclass(frozen=True)
class ParticleImages:
    """Boxes of one scene.

    Parameters
    ----------
    images
        Particles dark, not normalised.
    instances
        0 is background, any other number a particle, broken ones too.
    good
        Whether the box holds a whole particle in its middle.
    cores
        1 where the middle of a good box may lie.
    kinds
        How each box was drawn.
    """

    images: Float[Tensor, "n s s"]
    instances: Int[Tensor, "n s s"]
    good: Bool[Tensor, " n"]
    cores: Bool[Tensor, "n s s"]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class _Scene:
    """A scene, its particles, and where the middle of a good box may lie."""

    image: Float[Tensor, "h w"]
    instances: Int[Tensor, "h w"]
    debris: Float[Tensor, "h w"]
    centers: Float[Tensor, "n 2"]
    broken: Bool[Tensor, " n"]
    cores: Bool[Tensor, "h w"]


def draw_particle_images(
    bank: ProjectionBank,
    settings: ParticleSettings,
    count: int,
    side: int,
    random: np.random.Generator,
) -> ParticleImages:
    """Boxes of one simulated scene.

    Parameters
    ----------
    bank
        Molecules to draw from.
    settings
        Ranges of what is drawn.
    count, side
        Number of the boxes, and their side, px.
    random
        Source of randomness.
    """
    scene = _draw_scene(bank, settings, random)
    drawn = [_draw_box(scene, side, settings.scene.diameter, random) for _ in range(count)]
    corners = [(y - side // 2, x - side // 2) for _, (y, x) in drawn]

    def boxes(plane: Tensor) -> Tensor:
        return torch.stack([plane[y : y + side, x : x + side] for y, x in corners])

    good = torch.stack([scene.cores[middle] for _, middle in drawn])
    return ParticleImages(
        boxes(scene.image),
        boxes(scene.instances),
        good,
        boxes(scene.cores),
        tuple(kind for kind, _ in drawn),
    )


def _draw_scene(
    bank: ProjectionBank, settings: ParticleSettings, random: np.random.Generator
) -> _Scene:
    ranges = settings.scene
    canvas = ranges.size + 2 * MARGIN
    molecule = int(random.integers(len(bank.diameters)))
    true_px = ranges.diameter * log_uniform(random, *ranges.scale)
    debris = draw_debris(canvas, ranges.diameter, ranges.clean, random)
    centers = place(canvas, true_px, ranges, debris, random)
    broken = torch.from_numpy(random.random(len(centers)) < settings.broken)
    density, shape = draw_views(bank, molecule, centers, true_px, random)
    _break(density, shape, broken, random)
    signal, instances = compose(density, shape, centers, canvas)
    signal = signal + draw_aggregates(bank, debris, true_px, canvas, random)
    if random.random() < ranges.others:
        signal = signal + draw_others(bank, true_px, canvas, random)
    pixel_size = float(bank.diameters[molecule]) / true_px * log_uniform(random, 0.6, 1.4)
    exposure = Exposure(pixel_size, ranges.diameter, draw_snr(ranges, random))
    image = take_image(signal, debris, exposure, random)
    is_spoilt = random.random() < settings.spoilt
    if is_spoilt:
        image = _spoil(image, exposure, random)
    image = draw_look(image, ranges.diameter, random)
    instances[debris.mask > 0] = 0
    good = _shown(instances, shape) & ~broken & (not is_spoilt)
    cores = _near(centers[good], canvas, CENTRED * true_px)
    return _Scene(image, instances, debris.mask, centers, broken, cores)


def _break(
    density: Float[Tensor, "n p p"],
    shape: Float[Tensor, "n p p"],
    broken: Bool[Tensor, " n"],
    random: np.random.Generator,
) -> None:
    """Take away one side of some views, in place."""
    axis = torch.linspace(-1, 1, density.shape[-1])
    for k in torch.nonzero(broken).flatten().tolist():
        angle = random.uniform(0, 2 * np.pi)
        across = axis[:, None] * np.sin(angle) + axis * np.cos(angle)
        inside = across[shape[k] > 0.5]
        if not len(inside):
            continue
        remaining = random.uniform(*REMAINING)
        cut = float(inside.min() + remaining * (inside.max() - inside.min()))
        kept = torch.sigmoid((cut - across) * density.shape[-1])
        density[k] *= kept
        shape[k] *= kept > 0.5


def _shown(instances: Int[Tensor, "h w"], shape: Float[Tensor, "n p p"]) -> Bool[Tensor, " n"]:
    """Which particles nothing hides."""
    seen = torch.bincount(instances.flatten(), minlength=len(shape) + 1)[1:]
    return seen >= (1 - MOST_HIDDEN) * (shape > 0.5).sum((1, 2)).clamp(min=1)


def _near(centers: Float[Tensor, "n 2"], canvas: int, reach: float) -> Bool[Tensor, "h w"]:
    """Pixels that are near a centre."""
    near = torch.zeros(canvas, canvas, dtype=torch.bool)
    axis = torch.arange(canvas, dtype=torch.float32)
    for y, x in centers.tolist():
        near |= (axis[:, None] - y) ** 2 + (axis - x) ** 2 <= reach**2
    return near


def _spoil(
    image: Float[Tensor, "h w"], exposure: Exposure, random: np.random.Generator
) -> Float[Tensor, "h w"]:
    """The image with a CTF that is far off, or smeared by drift."""
    side = image.shape[0]
    y, x = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
    if random.random() < 0.5:
        length, angle = exposure.diameter * random.uniform(0.25, 0.7), random.uniform(0, np.pi)
        transfer = torch.sinc((y * np.sin(angle) + x * np.cos(angle)) * length)
    else:
        rings = log_uniform(random, 0.5, 4.0) * exposure.diameter**2 / 4
        transfer = torch.sin(np.pi * rings * (y**2 + x**2) + 0.1)
    noise = torch.from_numpy(random.standard_normal(image.shape, dtype=np.float32))
    spoilt = torch.fft.irfft2(torch.fft.rfft2(image) * transfer, s=image.shape)
    return spoilt + 0.3 * spoilt.std() * noise


def _draw_box(
    scene: _Scene, side: int, diameter: float, random: np.random.Generator
) -> tuple[str, tuple[int, int]]:
    """The kind of a box, and its middle; where a scene has no place for it, a good or empty one."""
    kind = str(random.choice(list(SHARES), p=list(SHARES.values())))
    low, high = side // 2, len(scene.image) - side + side // 2
    places = {
        GOOD: scene.centers[~scene.broken],
        OFF_CENTRE: scene.centers,
        BROKEN: scene.centers[scene.broken],
        DEBRIS: torch.nonzero(scene.debris).float(),
        EMPTY: torch.from_numpy(random.uniform(low, high, (1, 2))).float(),
    }
    inside = {k: p[((p >= low) & (p <= high)).all(1)] for k, p in places.items()}
    kind = next(k for k in (kind, GOOD, EMPTY) if len(inside[k]))
    found = inside[kind]
    middle = found[int(random.integers(len(found)))].numpy()
    if kind == OFF_CENTRE:
        angle = random.uniform(0, 2 * np.pi)
        away = diameter * random.uniform(*FAR)
        middle = middle + away * np.array([np.sin(angle), np.cos(angle)])
    elif kind in (GOOD, BROKEN):
        middle = middle + random.normal(0, JITTER * diameter, 2)
    y, x = np.clip(np.round(middle), low, high).astype(int).tolist()
    return kind, (y, x)
