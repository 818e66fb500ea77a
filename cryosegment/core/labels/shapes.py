# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints of picked particles, of which no orientation in space is known."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float


def ellipse(
    long_px: float, short_px: float, angle: float, fraction_yx: Float[np.ndarray, " 2"]
) -> Bool[np.ndarray, "s s"]:
    """The pixels whose centre lies in an ellipse, a disc where both diameters are the same.

    Parameters
    ----------
    long_px, short_px
        Diameters, px.
    angle
        Of the long one, degrees: at 0 it lies along the rows, and turns towards the first row.
    fraction_yx
        Where in pixel `s // 2` the centre lies, px.
    """
    size = 2 * math.ceil(max(long_px, short_px) / 2) + 3
    y = np.arange(size)[:, None] - size // 2 - fraction_yx[0]
    x = np.arange(size) - size // 2 - fraction_yx[1]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = x * cosine - y * sine, x * sine + y * cosine
    # multiplied by both radii, so that the pixels on a disc's rim are exactly those
    inside = (along * short_px / 2) ** 2 + (across * long_px / 2) ** 2
    return np.asarray(inside <= (long_px * short_px / 4) ** 2)
