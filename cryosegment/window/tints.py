# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps and masks as colours that lie over a micrograph."""

from __future__ import annotations

from typing import Mapping, Optional

import numpy as np
from matplotlib.colors import to_rgb

from cryosegment.exchange.labels import CONTAMINATION, UNKNOWN
from cryosegment.window.content import Tint

PARTICLE_COLORS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2")
"""Colours that the colour-blind can tell (Okabe & Ito), in turn, so that neighbours differ."""
PROBABILITY_COLOR, CONTAMINATION_COLOR, UNKNOWN_COLOR = "#009e73", "#d55e00", "#ffffff"
CLASS_COLORS = {CONTAMINATION: CONTAMINATION_COLOR, UNKNOWN: UNKNOWN_COLOR}


def tint_of_map(values: np.ndarray, color: str) -> Tint:
    """One colour, as opaque as a map is high.

    Parameters
    ----------
    values
        `(h, w)`, from 0 to 1; a mask is a map, too.
    color
        As matplotlib names it.
    """
    colors = np.empty((*values.shape, 4), np.uint8)
    colors[..., :3] = _bytes(color)
    colors[..., 3] = np.clip(values.astype(np.float32), 0, 1) * 255
    return Tint(colors, is_smooth=True)


def tint_of_particles(labels: np.ndarray, are_shown: Optional[np.ndarray] = None) -> Tint:
    """A colour for each particle.

    Parameters
    ----------
    labels
        `(h, w)`: 0 background, k the pixels of particle k - 1.
    are_shown
        Mask of the particles that are shown, (n,); by default all.
    """
    count = int(labels.max(initial=0))
    table = np.zeros((count + 1, 4), np.uint8)
    numbers = np.arange(count)
    palette = np.array([_bytes(color) for color in PARTICLE_COLORS])
    table[1:, :3] = palette[numbers % len(palette)]
    table[1:, 3] = 255
    if are_shown is not None:
        table[1:][: len(are_shown), 3] *= are_shown[:count]
    return Tint(table[labels])


def tint_of_classes(classes: np.ndarray, colors: Mapping[int, str]) -> Tint:
    """A colour for some of the classes of a map, `(h, w)`."""
    found = np.zeros((*classes.shape, 4), np.uint8)
    for value, color in colors.items():
        found[classes == value] = (*_bytes(color), 255)
    return Tint(found)


def _bytes(color: str) -> np.ndarray:
    return np.round(255 * np.array(to_rgb(color))).astype(np.uint8)
