# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a scene that debris is drawn on, and the random fields it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Layers:
    """Planes of a square scene, drawn on in place.

    Parameters
    ----------
    mask
        `(h, w)` 1 where particles cannot be used.
    shade
        `(h, w)` what is added to the image; dark is negative, 1 is the contrast of debris.
    texture
        `(h, w)` density that goes through the CTF; that of particles is about 1.
    diameter
        Particle diameter, px: the measure of all sizes.
    """

    mask: Plane
    shade: Plane
    texture: Plane
    diameter: float

    @property
    def side(self) -> int:
        """Height and width, px."""
        return len(self.mask)


def blank(side: int, diameter: float) -> Layers:
    """Layers with nothing on them."""
    mask = np.zeros((side, side), np.float32)
    return Layers(mask, mask.copy(), mask.copy(), diameter)


def log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform between those of two."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def smooth_field(side: int, scale: float, random: np.random.Generator) -> Plane:
    """Gaussian random field of unit variance that varies over `scale` px."""
    coarse = max(4, int(side / scale))
    field = random.standard_normal((coarse, coarse)).astype(np.float32)
    field = cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / (field.std() + 1e-6), np.float32)


def window(center: NDArray[np.float64], reach: float, side: int) -> tuple[Window, Plane, Plane]:
    """Rows and columns within `reach` of a centre, and how far their pixels are from it, px."""
    low = np.clip(np.floor(center - reach), 0, side).astype(int)
    high = np.clip(np.ceil(center + reach) + 1, 0, side).astype(int)
    y = np.arange(low[0], high[0], dtype=np.float32)[:, None] - np.float32(center[0])
    x = np.arange(low[1], high[1], dtype=np.float32)[None] - np.float32(center[1])
    rows, columns = slice(low[0], high[0]), slice(low[1], high[1])
    shape = np.broadcast_shapes(y.shape, x.shape)
    return (rows, columns), np.broadcast_to(y, shape), np.broadcast_to(x, shape)


def sigmoid(height: Plane) -> Plane:
    """1 where the height is far above 0, 0 far below."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * height), np.float32)
