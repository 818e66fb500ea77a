# SPDX-License-Identifier: GPL-3.0-or-later
"""Label maps from coordinates: every particle a disc."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int8, Int16

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import PARTICLE, UNKNOWN

MAX_INSTANCES = int(np.iinfo(np.int16).max)


def discs(
    shape: tuple[int, int],
    centers_yx: Float[np.ndarray, "n 2"],
    diameters_px: Float[np.ndarray, " n"],
    unknown_ring_px: float = 0.0,
) -> tuple[Int16[np.ndarray, "h w"], Int8[np.ndarray, "h w"]]:
    """Instance map and class map of discs.

    Parameters
    ----------
    shape
        Rows and columns of the maps.
    centers_yx
        px.
    diameters_px
        px. A pixel belongs to a disc if its centre is at most half a diameter away.
    unknown_ring_px
        Pixels up to this far outside all discs are of unknown class.

    Returns
    -------
    Instances: 0 background, i + 1 the disc of row i; where discs overlap, the nearest centre has
    the pixel. Classes: 0 background, 1 particle, -1 unknown.

    Raises
    ------
    InputError
        If there are more discs than an int16 map can number.
    """
    if len(centers_yx) > MAX_INSTANCES:
        raise InputError(
            f"expected at most {MAX_INSTANCES} particles on a micrograph, got {len(centers_yx)}: "
            "check that the coordinates are of one micrograph"
        )
    instances, classes = np.zeros(shape, np.int16), np.zeros(shape, np.int8)
    radii = diameters_px / 2
    for number, (center, radius) in enumerate(zip(centers_yx, radii), start=1):
        rows, columns, squared = _window(shape, center, radius + unknown_ring_px)
        window = instances[rows, columns]
        holders = centers_yx[window - 1]
        others = (holders[..., 0] - np.arange(rows.start, rows.stop)[:, None]) ** 2
        others += (holders[..., 1] - np.arange(columns.start, columns.stop)) ** 2
        is_nearest = (window == 0) | (squared < others)
        window[(squared <= radius**2) & is_nearest] = number
        if unknown_ring_px > 0:
            classes[rows, columns][squared <= (radius + unknown_ring_px) ** 2] = UNKNOWN
    classes[instances > 0] = PARTICLE
    return instances, classes


def _window(
    shape: tuple[int, int], center_yx: Float[np.ndarray, " 2"], reach: float
) -> tuple[slice, slice, Float[np.ndarray, "rows columns"]]:
    """Rows and columns around a centre, and its squared distances to their pixels."""
    first = [max(0, math.ceil(center - reach)) for center in center_yx]
    last = [
        max(start, min(size, math.floor(center + reach) + 1))
        for start, size, center in zip(first, shape, center_yx)
    ]
    rows, columns = slice(first[0], last[0]), slice(first[1], last[1])
    y = np.arange(rows.start, rows.stop) - center_yx[0]
    x = np.arange(columns.start, columns.stop) - center_yx[1]
    return rows, columns, y[:, None] ** 2 + x**2
