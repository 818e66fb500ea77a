# SPDX-License-Identifier: GPL-3.0-or-later
"""Assemblies that are no single particles: membranes, vesicles, filaments."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cryosegment.core.simulation.layers import Layers, log_uniform, window

SMALLEST_VESICLE, LARGEST_VESICLE = 0.75, 8.0
"""Radii in particle diameters: a smaller shell may be the particle."""


def add_vesicles(layers: Layers, random: np.random.Generator) -> None:
    """Vesicles and pieces of large membranes; some hold others."""
    thickness = random.uniform(0.8, 0.2 * layers.diameter)
    density = log_uniform(random, 0.5, 3.0)
    largest = log_uniform(random, SMALLEST_VESICLE, LARGEST_VESICLE)
    for _ in range(int(log_uniform(random, 1, 25))):
        center = random.uniform(-0.1, 1.1, 2) * layers.side
        radius = layers.diameter * log_uniform(random, SMALLEST_VESICLE, largest)
        _add_vesicle(layers, center, radius, thickness, density, random)
        while radius > 8 * thickness and random.random() < 0.2:
            radius *= random.uniform(0.4, 0.85)
            _add_vesicle(layers, center, radius, thickness, density, random)


def _add_vesicle(
    layers: Layers,
    center: NDArray[np.float64],
    radius: float,
    thickness: float,
    density: float,
    random: np.random.Generator,
) -> None:
    """A bilayer: two leaflets, seen edge-on along a closed line."""
    place, y, x = window(center, 1.3 * radius + 3 * thickness, layers.side)
    if not y.size:
        return
    squeeze, turn = random.uniform(0.85, 1.0), random.uniform(0, np.pi)
    u = np.cos(turn) * x + np.sin(turn) * y
    v = (np.cos(turn) * y - np.sin(turn) * x) / squeeze
    angle = np.arctan2(v, u)
    wobble = sum(
        random.normal(0, 0.03) * np.cos(waves * angle + random.uniform(0, 2 * np.pi))
        for waves in (2, 3, 4)
    )
    away = np.hypot(u, v) - radius * (1 + wobble)
    leaflet, half = 0.25 * thickness, 0.4 * thickness
    profile = np.exp(-(((away - half) / leaflet) ** 2)) + np.exp(-(((away + half) / leaflet) ** 2))
    inside = 0.15 * (away < 0) * np.sqrt(np.clip(1 - ((away + radius) / radius) ** 2, 0, 1))
    layers.texture[place] += density * (profile + inside).astype(np.float32)
    layers.mask[place][np.abs(away) < thickness + 1] = 1.0


def add_filaments(layers: Layers, random: np.random.Generator) -> None:
    """Filaments: long, bent a little, beaded or hollow."""
    width = layers.diameter * random.uniform(0.15, 0.8)
    density = log_uniform(random, 0.4, 2.0)
    for _ in range(int(log_uniform(random, 1, 8))):
        line = _curve(layers.side, random)
        band = np.zeros_like(layers.mask)
        cv2.polylines(band, [line.astype(np.int32)], False, 1.0, max(1, round(width)))
        body = cv2.GaussianBlur(band, (0, 0), max(0.5, 0.15 * width))
        if random.random() < 0.3:  # hollow, as microtubules are
            core = np.zeros_like(layers.mask)
            cv2.polylines(core, [line.astype(np.int32)], False, 1.0, max(1, round(0.5 * width)))
            body -= random.uniform(0.3, 0.8) * cv2.GaussianBlur(core, (0, 0), 1.0)
        if random.random() < 0.5:  # beaded, as a helix of subunits is
            steps = np.arange(layers.side, dtype=np.float32)
            turn, period = random.uniform(0, np.pi), width * random.uniform(0.5, 2.0)
            along = np.cos(turn) * steps[None] + np.sin(turn) * steps[:, None]
            body *= 1 + 0.5 * np.sin(2 * np.pi * along / period)
        layers.texture[:] += density * body
        layers.mask[band > 0] = 1.0


def _curve(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Points along a line across the scene that turns little by little."""
    step = side / 24
    turns = random.normal(0, random.uniform(0.0, 0.15), 60).cumsum() + random.uniform(0, 2 * np.pi)
    points = step * np.stack((np.sin(turns), np.cos(turns)), 1).cumsum(0)
    return points - points[random.integers(60)] + random.uniform(0, side, 2)
