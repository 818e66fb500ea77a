# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a carbon film, or the shadow beyond the beam, begins: one long arc, dark on one side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

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
    y, x = (np.arange(length, dtype=np.float32) - (length - 1) / 2 for length in cells.shape)
    for (down, right), sheaves in _directions(*cells.shape):
        strength, place, bend = max((*_strongest(slopes, sheaf), sheaf.bend) for sheaf in sheaves)
        across = down * y[:, None] + right * x
        along = right * y[:, None] - down * x
        raised = across - place - bend / min(cells.shape) * along**2 / 2
        yield _Arc(strength, raised.astype(np.float32))


@dataclass(frozen=True)
class _Sheaf:
    """Parallel arcs of one curvature, `bend`, and the pixels along each.

    `places` are their distances from the middle, in cells; `pixels` are indices into the flat
    image, 0 where the arc is outside; `normal_y` and `normal_x` belong to the points along an arc.
    Arcs that are not `long` are no edges.
    """

    bend: float
    places: Float[np.ndarray, " n"]
    pixels: Int[np.ndarray, "n n"]
    normal_y: Float[np.ndarray, " n"]
    normal_x: Float[np.ndarray, " n"]
    counts: Int[np.ndarray, " n"]
    is_long: Bool[np.ndarray, " n"]


@lru_cache(
    maxsize=2
)  # the micrographs of a run have one shape, and this takes longer than the rest
def _directions(height: int, width: int) -> tuple[tuple[tuple[float, float], list[_Sheaf]], ...]:
    """Directions from the dark to the bright side, (down, right), with arcs of each curvature."""
    turns = np.arange(TURNS) * (2 * np.pi / TURNS)
    directions = [(float(np.sin(turn)), float(np.cos(turn))) for turn in turns]
    return tuple(
        (direction, [_sheaf(height, width, direction, bend) for bend in BENDS])
        for direction in directions
    )


def _sheaf(height: int, width: int, direction: tuple[float, float], bend: float) -> _Sheaf:
    half = int(np.hypot(height, width) / 2) + 1
    steps = np.arange(-half, half + 1, dtype=np.float32)
    (down, right), curvature = direction, bend / min(height, width)
    rise = steps[:, None] + curvature * steps**2 / 2
    rows = np.rint(down * rise + right * steps + (height - 1) / 2).astype(np.intp)
    columns = np.rint(right * rise - down * steps + (width - 1) / 2).astype(np.intp)
    inside = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    lean = curvature * steps
    length = np.sqrt(1 + lean**2)
    counts = inside.sum(1)
    return _Sheaf(
        bend,
        places=steps,
        pixels=np.where(inside, rows * width + columns, 0),  # the first pixel has no slope
        normal_y=(down - lean * right) / length,
        normal_x=(right + lean * down) / length,
        counts=counts,
        is_long=counts >= SHORTEST * min(height, width),
    )


def _strongest(slopes: Float[np.ndarray, "2 h w"], sheaf: _Sheaf) -> tuple[float, float]:
    """Strength and place of the strongest of parallel arcs, from the slopes along y and x."""
    along_y, along_x = (slope.take(sheaf.pixels) for slope in slopes)
    found = along_y @ sheaf.normal_y + along_x @ sheaf.normal_x
    strengths = np.where(sheaf.is_long, found / np.sqrt(np.maximum(sheaf.counts, 1)), 0.0)
    best = int(strengths.argmax())
    return float(strengths[best]), float(sheaf.places[best])
