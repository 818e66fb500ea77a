# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a carbon film, or the shadow beyond the beam, begins: one long arc, dark on one side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.images.normalize import MAD_TO_SD

Plane = Float[np.ndarray, "h w"]

CELLS = 48
"""Cells along the shorter side of the image in which edges are looked for."""
TURNS = 36
"""Directions of an edge."""
BENDS = (-1.8, -1.2, -0.6, 0.0, 0.6, 1.2, 1.8)
"""Curvatures of an edge, times the shorter side: holes are hardly smaller than what is seen."""
FINE, COARSE = 1.0, 4.0
"""Gaussians, in cells, whose difference leaves edges but no slopes of ice or illumination."""
STEEPEST = 4.0
"""Slopes count up to this many standard deviations, so that specks of dirt make no edge."""
SHORTEST = 0.35
"""Least length of an edge, in shorter sides."""
SHARP = 15.0
"""Least strength of an edge: its mean slope times the square root of its length. Simulated
micrographs have less without film, and most have more with."""
DARKER = 1.0
"""Least contrast of its sides, in standard deviations within them."""
BESIDE = 3
"""Cells on either side of an edge, and at the rim, that do not count for the contrast."""
FEWEST = 20
"""Least number of cells on either side."""


@dataclass(frozen=True)
class _Arc:
    """An edge: `strength`, and the height of each cell above it; the dark side is negative."""

    strength: float
    height: Plane


def beyond_edge(image: Plane) -> Bool[np.ndarray, "h w"] | None:
    """The pixels on the film or beyond the beam; None if no edge is seen.

    An edge of a film has a dark and a bright fringe, the dark one on the film, and the film is
    darker than the ice.

    Parameters
    ----------
    image
        A micrograph, particles dark, without dead border, at any scale at which a particle is
        small.
    """
    cell = max(1, min(image.shape) // CELLS)
    shape = image.shape[1] // cell, image.shape[0] // cell
    cells = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    if min(cells.shape) < CELLS // 2:
        return None
    smooth = cv2.GaussianBlur(cells, (0, 0), 2.0)
    for arc in sorted(_arcs(cells), key=lambda arc: -arc.strength):
        if arc.strength < SHARP:
            return None
        if _contrast(smooth, arc.height) > DARKER:
            size = image.shape[1], image.shape[0]
            return np.asarray(cv2.resize(arc.height, size, interpolation=cv2.INTER_LINEAR) < 0)
    return None


def _contrast(smooth: Plane, height: Plane) -> float:
    """How much darker one side of an edge is, in standard deviations within the sides."""
    inner = slice(BESIDE, -BESIDE), slice(BESIDE, -BESIDE)
    smooth, height = smooth[inner], height[inner]
    dark, bright = smooth[height < -BESIDE], smooth[height > BESIDE]
    if min(len(dark), len(bright)) < FEWEST:
        return 0.0
    middles = [float(np.median(side)) for side in (dark, bright)]
    spreads = [
        float(np.median(np.abs(side - middle)))
        for side, middle in zip((dark, bright), middles, strict=True)
    ]
    return (middles[1] - middles[0]) / max(MAD_TO_SD * max(spreads), 1e-30)


def _arcs(cells: Plane) -> Iterator[_Arc]:
    """The strongest edge in each direction."""
    smooth = cv2.GaussianBlur(cells, (0, 0), FINE) - cv2.GaussianBlur(cells, (0, 0), COARSE)
    slopes = np.stack([cv2.Sobel(smooth, cv2.CV_32F, *axis) for axis in ((0, 1), (1, 0))])
    deviation = MAD_TO_SD * float(np.median(np.abs(slopes)))
    slopes = np.clip(slopes / max(deviation, 1e-30), -STEEPEST, STEEPEST)
    slopes[:, [0, -1]] = slopes[:, :, [0, -1]] = 0
    height, width = cells.shape
    half = int(np.hypot(height, width) / 2) + 1
    steps = np.arange(-half, half + 1, dtype=np.float32)
    y, x = (np.arange(length, dtype=np.float32) - (length - 1) / 2 for length in cells.shape)
    for turn in np.arange(TURNS) * (2 * np.pi / TURNS):
        down, right = float(np.sin(turn)), float(np.cos(turn))
        across = down * y[:, None] + right * x
        along = right * y[:, None] - down * x
        strengths = [
            (*_strongest(slopes, steps, down, right, bend / min(cells.shape)), bend)
            for bend in BENDS
        ]
        strength, place, bend = max(strengths)
        raised = across - place - bend / min(cells.shape) * along**2 / 2
        yield _Arc(strength, raised.astype(np.float32))


def _strongest(
    slopes: Float[np.ndarray, "2 h w"],
    steps: Float[np.ndarray, " n"],
    down: float,
    right: float,
    curvature: float,
) -> tuple[float, float]:
    """Strength and place of the strongest of parallel arcs.

    Parameters
    ----------
    slopes
        Along y and x.
    steps
        Places of the arcs across, and of the points on each along, cells from the middle.
    down, right
        Direction from the dark to the bright side.
    curvature
        Of the arcs, per cell.
    """
    height, width = slopes.shape[1:]
    rise = steps[:, None] + curvature * steps**2 / 2
    rows = np.rint(down * rise + right * steps + (height - 1) / 2).astype(np.intp)
    columns = np.rint(right * rise - down * steps + (width - 1) / 2).astype(np.intp)
    inside = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    pixels = np.where(inside, rows * width + columns, 0)  # the first pixel has no slope
    lean = curvature * steps
    length = np.sqrt(1 + lean**2)
    normal_y, normal_x = (down - lean * right) / length, (right + lean * down) / length
    found = slopes[0].take(pixels) * normal_y + slopes[1].take(pixels) * normal_x
    counts = inside.sum(1)
    strengths = found.sum(1) / np.sqrt(np.maximum(counts, 1))
    strengths[counts < SHORTEST * min(height, width)] = 0
    best = int(strengths.argmax())
    return float(strengths[best]), float(steps[best])
