# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not particle in a scene: ice, carbon, aggregates, holes, scratches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from scipy.special import expit
from torch import Tensor


@dataclass(frozen=True)
class Debris:
    """Contamination of a square scene.

    Parameters
    ----------
    mask
        `(h, w)` 1 where particles cannot be used.
    shade
        `(h, w)` what is added to the image, in units that the caller chooses; dark is negative.
    texture
        `(h, w)` amorphous density that goes through the CTF like the particles do.
    aggregates
        `(k, 2)` centres of heaps of particles, px.
    aggregate_radii
        `(k,)` px.
    """

    mask: Float[Tensor, "h w"]
    shade: Float[Tensor, "h w"]
    texture: Float[Tensor, "h w"]
    aggregates: Float[Tensor, "k 2"]
    aggregate_radii: Float[Tensor, " k"]


def draw_debris(side: int, diameter: float, clean: float, random: np.random.Generator) -> Debris:
    """Debris of a scene `side` px wide with particles of `diameter` px.

    Parameters
    ----------
    side
        Height and width, px.
    diameter
        Particle diameter, px: the measure of all sizes.
    clean
        Probability that there is none.
    random
        Source of randomness.
    """
    mask = np.zeros((side, side), np.float32)
    shade, texture = np.zeros_like(mask), np.zeros_like(mask)
    heaps: list[tuple[float, float, float]] = []
    if random.random() >= clean:
        kinds = random.random(5) < (0.45, 0.3, 0.22, 0.25, 0.1)
        if kinds[0]:
            _add_ice(mask, shade, texture, diameter, random)
        if kinds[1]:
            _add_specks(mask, shade, diameter, random)
        if kinds[2]:
            _add_carbon(mask, shade, texture, diameter, random)
        if kinds[3]:
            heaps = _add_aggregates(mask, diameter, random)
        if kinds[4]:
            _add_scratch(mask, shade, diameter, random)
    table = torch.tensor(heaps, dtype=torch.float32).reshape(-1, 3)
    planes = [torch.from_numpy(plane) for plane in (mask, shade, texture)]
    return Debris(planes[0], planes[1], planes[2], table[:, :2], table[:, 2])


def _smooth_field(side: int, scale: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian random field of unit variance that varies over `scale` px."""
    coarse = max(4, int(side / scale))
    field = random.standard_normal((coarse, coarse)).astype(np.float32)
    field = cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
    return field / (field.std() + 1e-6)


def _blob(side: int, radius: float, random: np.random.Generator) -> np.ndarray:
    """Signed distance-like height of an irregular blob: positive inside."""
    center = random.uniform(-0.1 * side, 1.1 * side, 2)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    squeeze = random.uniform(0.5, 1.0)
    angle = random.uniform(0, np.pi)
    u = np.cos(angle) * (x - center[1]) + np.sin(angle) * (y - center[0])
    v = (np.cos(angle) * (y - center[0]) - np.sin(angle) * (x - center[1])) / squeeze
    if random.random() < 0.4:  # crystals have straight edges
        sides = random.integers(4, 7)
        turn = np.arctan2(v, u) % (2 * np.pi / sides) - np.pi / sides
        reach = np.hypot(u, v) * np.cos(turn)
    else:
        reach = np.hypot(u, v)
    rough = _smooth_field(side, max(radius * 0.7, 4.0), random) * 0.15 * radius
    return (radius - reach + rough).astype(np.float32)


def _add_ice(
    mask: np.ndarray,
    shade: np.ndarray,
    texture: np.ndarray,
    diameter: float,
    random: np.random.Generator,
) -> None:
    """Ice crystals and thick patches: dark, some bright, with a fringe and texture of their own."""
    side = len(mask)
    for _ in range(random.integers(1, 4)):
        radius = diameter * np.exp(random.uniform(np.log(0.5), np.log(4.0)))
        height = _blob(side, radius, random)
        inside = height > 0
        sign = -1.0 if random.random() < 0.8 else 1.0
        depth = np.clip(height / (0.5 * radius), 0, 1) ** random.uniform(0.2, 1.5)
        shade += sign * random.uniform(0.3, 1.5) * depth
        fringe = random.uniform(0.5, 2.5)
        shade -= sign * random.uniform(0, 1.0) * np.exp(-((height / fringe) ** 2))
        texture += (
            inside * _smooth_field(side, random.uniform(2, 8), random) * random.uniform(0, 1.5)
        )
        mask[height > -1.0] = 1.0


def _add_specks(
    mask: np.ndarray, shade: np.ndarray, diameter: float, random: np.random.Generator
) -> None:
    """Small round grains of particle size and below, of much higher contrast than protein."""
    side = len(mask)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    for _ in range(random.integers(1, 12)):
        center = random.uniform(0, side, 2)
        radius = diameter * random.uniform(0.12, 0.6)
        reach = np.hypot(y - center[0], x - center[1])
        rim = expit((radius - reach) / random.uniform(0.4, 1.5))
        shade -= rim * random.uniform(1.0, 3.0)
        shade += random.uniform(0, 1.0) * np.exp(-((reach - radius - 1.5) ** 2) / 2)
        mask[reach < radius + 1.5] = 1.0


def _add_carbon(
    mask: np.ndarray,
    shade: np.ndarray,
    texture: np.ndarray,
    diameter: float,
    random: np.random.Generator,
) -> None:
    """A sheet of carbon from one side, its edge nearly straight, its texture amorphous."""
    side = len(mask)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    along = np.cos(angle) * (x - side / 2) + np.sin(angle) * (y - side / 2)
    across = np.cos(angle) * (y - side / 2) - np.sin(angle) * (x - side / 2)
    bend = random.normal(0, 0.6) * across**2 / side
    height = along + bend - random.uniform(-0.3, 0.45) * side
    height = height + _smooth_field(side, 2 * diameter, random) * random.uniform(0, 1.5)
    sheet = expit(height / random.uniform(0.5, 3.0))
    shade -= random.uniform(0.1, 1.5) * sheet
    shade += random.uniform(-1.5, 1.0) * np.exp(-((height / random.uniform(1, 4)) ** 2))
    grain = random.standard_normal((side, side)).astype(np.float32)
    texture += sheet * random.uniform(0.5, 3.0) * grain
    mask[height > -2.0] = 1.0


def _add_aggregates(
    mask: np.ndarray, diameter: float, random: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Room for heaps of particles: (y, x, radius) each, px."""
    side = len(mask)
    heaps = []
    for _ in range(random.integers(1, 3)):
        y, x = random.uniform(0, side, 2)
        radius = diameter * random.uniform(0.8, 2.2)
        cv2.circle(mask, (int(x), int(y)), int(radius + 0.4 * diameter), 1.0, -1)
        heaps.append((float(y), float(x), float(radius)))
    return heaps


def _add_scratch(
    mask: np.ndarray, shade: np.ndarray, diameter: float, random: np.random.Generator
) -> None:
    """A crack or fibre: a band of one brightness."""
    side = len(mask)
    ends = random.uniform(-0.2 * side, 1.2 * side, (2, 2)).astype(int)
    width = max(1, int(diameter * random.uniform(0.1, 0.8)))
    band = np.zeros_like(mask)
    cv2.line(band, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0, width)
    mask[band > 0] = 1.0
    shade += (
        random.choice([-1.0, 1.0]) * random.uniform(0.5, 2.5) * cv2.GaussianBlur(band, (0, 0), 1.0)
    )
