# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not particle in a scene: ice, films, membranes, filaments, aggregates."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.simulation.assemblies import add_filaments, add_vesicles
from cryosegment.core.simulation.film import add_beam_edge, add_crack, add_film
from cryosegment.core.simulation.ice import (
    add_blobs,
    add_blotches,
    add_crystalline,
    add_drops,
    add_specks,
)
from cryosegment.core.simulation.layers import Layers, blank

KINDS = (
    (add_blobs, 0.35),
    (add_specks, 0.25),
    (add_drops, 0.12),
    (add_film, 0.2),
    (add_crack, 0.07),
    (add_crystalline, 0.12),
    (add_blotches, 0.08),
    (add_vesicles, 0.1),
    (add_filaments, 0.07),
    (add_beam_edge, 0.05),
)
"""Kinds of debris, and the fraction of the scenes with debris that have each."""
AGGREGATED = 0.2
"""Likewise for aggregates."""


@dataclass(frozen=True)
class Debris:
    """Contamination of a square scene.

    Parameters
    ----------
    mask
        `(h, w)` 1 where particles cannot be used.
    shade
        `(h, w)` added to the image, in units of the caller; dark is negative.
    texture
        `(h, w)` density that goes through the CTF like the particles do.
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
        Probability of no debris.
    random
        Source of randomness.
    """
    layers = blank(side, diameter)
    heaps: list[tuple[float, float, float]] = []
    if random.random() >= clean:
        chances = random.random(len(KINDS) + 1)
        for (add, share), chance in zip(KINDS, chances, strict=False):
            if chance < share:
                add(layers, random)
        if chances[-1] < AGGREGATED:
            heaps = _add_aggregates(layers, random)
    table = torch.tensor(heaps, dtype=torch.float32).reshape(-1, 3)
    planes = [torch.from_numpy(p) for p in (layers.mask, layers.shade, layers.texture)]
    return Debris(planes[0], planes[1], planes[2], table[:, :2], table[:, 2])


def _add_aggregates(
    layers: Layers, random: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Room for heaps of particles: (y, x, radius) each, px."""
    heaps = []
    for _ in range(random.integers(1, 3)):
        y, x = random.uniform(0, layers.side, 2)
        radius = layers.diameter * random.uniform(0.8, 2.2)
        reach = int(radius + 0.4 * layers.diameter)
        cv2.circle(layers.mask, (int(x), int(y)), reach, 1.0, -1)
        heaps.append((float(y), float(x), float(radius)))
    return heaps
