# SPDX-License-Identifier: GPL-3.0-or-later
"""Backgrounds of scenes that are no simulation: parts of real micrographs without particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cryosegment.core.simulation.layers import Plane, log_uniform

ZOOM = (0.7, 1.6)
"""Range of the magnification of a background."""


@dataclass(frozen=True)
class Texture:
    """A micrograph without particles, at about the working scale.

    Parameters
    ----------
    image
        `(h, w)` in units of its standard deviation, mean 0; at least `side / ZOOM[0]` px wide for
        scenes of `side` px.
    mask
        `(h, w)` 1 on what is contamination.
    """

    image: Plane
    mask: Plane


def draw_texture(
    textures: Sequence[Texture], side: int, random: np.random.Generator
) -> tuple[Plane, Plane]:
    """A square part of one of them, turned and magnified: `(side, side)` image and mask.

    Parameters
    ----------
    textures
        To draw from.
    side
        Height and width of the part, px.
    random
        Source of randomness.
    """
    chosen = textures[random.integers(len(textures))]
    width = round(side / log_uniform(random, *ZOOM))
    top, left = (int(random.integers(length - width + 1)) for length in chosen.image.shape)
    turns, is_mirrored = int(random.integers(4)), random.random() < 0.5

    def part(plane: Plane, interpolation: int) -> Plane:
        cut = np.rot90(plane[top : top + width, left : left + width], turns)
        cut = np.ascontiguousarray(cut[:, ::-1] if is_mirrored else cut)
        return np.asarray(cv2.resize(cut, (side, side), interpolation=interpolation), np.float32)

    return part(chosen.image, cv2.INTER_CUBIC), part(chosen.mask, cv2.INTER_NEAREST)
