# SPDX-License-Identifier: GPL-3.0-or-later
"""Ice that is no smooth film: crystals, blobs, specks, blotches, crystalline fields."""

from __future__ import annotations

import cv2
import numpy as np

from cryosegment.core.simulation.layers import (
    Layers,
    Plane,
    log_uniform,
    sigmoid,
    smooth_field,
    window,
)

DARK, SMALL = 4.0, 0.3
"""Shade beyond which specks may be as large as particles, and the largest radius of the others, in
particle diameters."""
ROUGHNESS = 0.15
"""How uneven a blob's rim is, in radii."""


def add_blobs(layers: Layers, random: np.random.Generator) -> None:
    """Ice crystals and thick patches: dark, some bright, with a fringe and a texture."""
    for _ in range(int(log_uniform(random, 1, 12))):
        _add_blob(layers, layers.diameter * log_uniform(random, 0.35, 4.0), random)


def _add_blob(layers: Layers, radius: float, random: np.random.Generator) -> None:
    center = random.uniform(-0.1, 1.1, 2) * layers.side
    place, y, x = window(center, 1.6 * radius + 8, layers.side)
    if not y.size:
        return
    height = _blob(y, x, radius, random)
    sign = -1.0 if random.random() < 0.85 else 1.0
    softness = random.uniform(0.05, 0.9)
    depth = np.clip(height / (softness * radius) + 0.2, 0, 1) ** random.uniform(0.3, 1.5)
    shade = sign * log_uniform(random, 0.25, 1.8) * depth
    fringe = random.uniform(0.5, 2.5)
    strength = random.uniform(0, 1.0) * (random.random() < 0.6)
    shade -= sign * strength * np.exp(-((height / fringe) ** 2))
    layers.shade[place] += shade
    grain = smooth_field(max(height.shape), random.uniform(2, 8), random)
    grain = grain[: height.shape[0], : height.shape[1]] * random.uniform(0, 1.5)
    layers.texture[place] += (height > 0) * grain
    layers.mask[place][height > -1.0] = 1.0


def _blob(y: Plane, x: Plane, radius: float, random: np.random.Generator) -> Plane:
    """Signed distance-like height of an irregular blob: positive inside."""
    squeeze = random.uniform(0.5, 1.0)
    angle = random.uniform(0, np.pi)
    u = np.cos(angle) * x + np.sin(angle) * y
    v = (np.cos(angle) * y - np.sin(angle) * x) / squeeze
    reach = np.hypot(u, v)
    if random.random() < 0.4:  # crystals have straight edges
        sides = random.integers(4, 7)
        turn = np.arctan2(v, u) % (2 * np.pi / sides) - np.pi / sides
        reach = reach * np.cos(turn)
    rough = smooth_field(max(y.shape), max(radius * 0.7, 4.0), random)
    height = radius - reach + ROUGHNESS * radius * rough[: y.shape[0], : y.shape[1]]
    return np.asarray(height, np.float32)


def add_specks(layers: Layers, random: np.random.Generator) -> None:
    """Round grains of particle size and below: ice and gold, of higher contrast than protein.

    Contrast alone tells a soft grain of particle size from a clear particle: large ones are dark.
    """
    darkest = log_uniform(random, 1.0, 8.0)
    largest = 0.6 if darkest > DARK else SMALL
    for _ in range(int(log_uniform(random, 1, 24))):
        radius = layers.diameter * random.uniform(0.12, largest)
        softness = log_uniform(random, 0.3, 4.0)
        reach = radius + 2 * softness + 4
        place, y, x = window(random.uniform(0, layers.side, 2), reach, layers.side)
        away = np.hypot(y, x)
        layers.shade[place] -= sigmoid((radius - away) / softness) * random.uniform(
            0.6 * darkest, darkest
        )
        ring = random.uniform(0, 1.0) * np.exp(-((away - radius - 1.5) ** 2) / 2)
        layers.shade[place] += ring
        layers.mask[place][away < radius + 1.5] = 1.0


def add_drops(layers: Layers, random: np.random.Generator) -> None:
    """Frozen drops on empty ice: many flat ones of one contrast, smaller and larger than particles.

    What tells one of particle size from a particle are its flat inside and its neighbours.
    """
    darkness, softness = log_uniform(random, 0.15, 1.2), log_uniform(random, 0.4, 2.5)
    fringe, light = random.uniform(0, 1.2), random.uniform(-np.pi, np.pi)
    typical, spread = random.uniform(0.35, 0.8) * layers.diameter, random.uniform(0.3, 0.7)
    for _ in range(int(log_uniform(random, 8, 80))):
        radius = typical * np.exp(random.normal(0, spread))
        radius = float(np.clip(radius, 0.1 * layers.diameter, 2 * layers.diameter))
        place, y, x = window(random.uniform(0, layers.side, 2), 1.3 * radius + 8, layers.side)
        if not y.size:
            continue
        height = _blob(y, x, radius, random)
        side = 1 + np.cos(np.arctan2(y, x) - light)
        layers.shade[place] -= darkness * sigmoid(height / softness)
        layers.shade[place] += darkness * fringe * side * np.exp(-((height / 1.5 + 1) ** 2))
        layers.mask[place][height > -1.0] = 1.0


def add_blotches(layers: Layers, random: np.random.Generator) -> None:
    """Ethane and the like: a skin of dark, soft blotches over part of the scene."""
    scale = layers.diameter * log_uniform(random, 0.5, 2.5)
    field = smooth_field(layers.side, scale, random)
    region = smooth_field(layers.side, layers.side / 3, random)
    field = field + 0.8 * np.minimum(region - random.uniform(-1.5, 1.0), 0)
    height = field - random.uniform(0.3, 1.3)
    layers.shade[:] -= log_uniform(random, 0.3, 1.8) * sigmoid(height / random.uniform(0.05, 0.5))
    layers.mask[height > 0] = 1.0


def add_crystalline(layers: Layers, random: np.random.Generator) -> None:
    """Crystalline ice: domains with a lattice and a shade each, everywhere or in islands.

    Lattices of ice are finer than the pixels; what is seen of them at this scale are moirés of
    overlapping domains, bend contours and the contrast of domains near a Bragg condition.
    """
    side, count = layers.side, int(log_uniform(random, 3, 60))
    seeds = np.ones((side, side), np.uint8)
    seeds[tuple(random.integers(0, side, (2, count)))] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    share = 1.0 if random.random() < 0.6 else random.uniform(0.1, 0.6)
    present = random.random(count + 1) < share
    shown = present[labels].astype(np.float32)
    tone = random.normal(-0.2, random.uniform(0.1, 0.8), count + 1).astype(np.float32)
    softness = random.uniform(0.5, 0.15 * layers.diameter)
    layers.shade[:] += cv2.GaussianBlur(shown * tone[labels], (0, 0), softness)
    layers.texture[:] += shown * _lattices(labels, count, random)
    mottle = smooth_field(side, layers.diameter * random.uniform(0.5, 2.5), random)
    depth = random.uniform(0, 1.0)
    layers.shade[:] -= shown * depth * np.maximum(mottle - random.uniform(-0.5, 1.0), 0)
    layers.mask[shown > 0] = 1.0


def _lattices(labels: np.ndarray, count: int, random: np.random.Generator) -> Plane:
    """Two waves in each domain."""
    y, x = (np.arange(side, dtype=np.float32) for side in labels.shape)
    period = log_uniform(random, 2.2, 14.0)
    strength = random.exponential(random.uniform(0.1, 1.5), count + 1) * (
        random.random(count + 1) < random.uniform(0.2, 1.0)
    )
    angle = random.uniform(0, np.pi, count + 1)
    between = random.choice([np.pi / 2, np.pi / 3])
    total = np.zeros(labels.shape, np.float32)
    for turn in (0.0, between):
        wave = 2 * np.pi / (period * random.uniform(0.9, 1.1, count + 1))
        down = (wave * np.sin(angle + turn)).astype(np.float32)[labels]
        right = (wave * np.cos(angle + turn)).astype(np.float32)[labels]
        total += np.cos(down * y[:, None] + right * x[None])
    return np.asarray(total * strength.astype(np.float32)[labels], np.float32)
