# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds the ice: carbon and gold films, and where film, ice or beam end."""

from __future__ import annotations

import cv2
import numpy as np

from cryosegment.core.simulation.layers import Layers, Plane, log_uniform, sigmoid, smooth_field


def add_film(layers: Layers, random: np.random.Generator) -> None:
    """A film from one side, its edge nearly straight: carbon with its grain, or opaque gold."""
    side = layers.side
    height = _half_plane(layers, random)
    sheet = sigmoid(height / random.uniform(0.5, 3.0))
    is_gold = random.random() < 0.15
    layers.shade[:] -= (log_uniform(random, 2, 8) if is_gold else random.uniform(0.1, 1.5)) * sheet
    edge = np.exp(-((height / random.uniform(1, 4)) ** 2))
    layers.shade[:] += random.uniform(-1.8, 1.0) * edge
    if not is_gold:
        grain = random.standard_normal((side, side), dtype=np.float32)
        layers.texture[:] += sheet * random.uniform(0.5, 3.0) * grain
    layers.mask[height > -2.0] = 1.0


def add_beam_edge(layers: Layers, random: np.random.Generator) -> None:
    """The edge of the beam: the image gets dark beyond it."""
    height = _half_plane(layers, random)
    width = log_uniform(random, 1.0, 0.7 * layers.diameter)
    dark = sigmoid(height / width)
    layers.shade[:] -= log_uniform(random, 1.5, 8.0) * dark
    layers.mask[height > -0.5 * width] = 1.0


def _half_plane(layers: Layers, random: np.random.Generator) -> Plane:
    """Height above an edge that bends and is a little rough; positive on one side."""
    side = layers.side
    steps = np.arange(side, dtype=np.float32) - side / 2
    angle = random.uniform(0, 2 * np.pi)
    along = np.cos(angle) * steps[None] + np.sin(angle) * steps[:, None]
    across = np.cos(angle) * steps[:, None] - np.sin(angle) * steps[None]
    bend = random.normal(0, 0.6) * across**2 / side
    height = along + bend - random.uniform(-0.3, 0.45) * side
    rough = smooth_field(side, 2 * layers.diameter, random) * random.uniform(0, 1.5)
    return np.asarray(height + rough, np.float32)


def add_crack(layers: Layers, random: np.random.Generator) -> None:
    """A crack, fold or fibre: a jagged band of one brightness, in some cases with a fringe."""
    side = layers.side
    knots = random.integers(2, 6)
    ends = random.uniform(-0.2 * side, 1.2 * side, (2, 2))
    share = np.linspace(0, 1, knots)[:, None]
    line = ends[0] + share * (ends[1] - ends[0])
    line[1:-1] += random.normal(0, 0.06 * side, (knots - 2, 2))
    width = max(1, int(layers.diameter * random.uniform(0.1, 0.8)))
    band = np.zeros_like(layers.mask)
    cv2.polylines(band, [line.astype(np.int32)], False, 1.0, width)
    layers.mask[band > 0] = 1.0
    soft = cv2.GaussianBlur(band, (0, 0), random.uniform(0.5, 1.5))
    sign = -1.0 if random.random() < 0.6 else 1.0
    layers.shade[:] += sign * random.uniform(0.5, 2.5) * soft
    if random.random() < 0.4:
        wide = cv2.GaussianBlur(band, (0, 0), 2.5)
        layers.shade[:] -= sign * random.uniform(0.3, 1.5) * (wide - soft)
