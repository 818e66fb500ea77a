# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of micrographs with what was found in them."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from cryosegment.core.images.working import WorkingImage
from cryosegment.exchange.coordinates import Coordinates

SHOWN_RANGE = 3.0
"""Grey levels between minus and plus this many standard deviations are shown."""
ZOOM = 2
LOW, HIGH = (60, 160, 255), (120, 255, 80)  # BGR of the lowest and the highest score


def draw_picks(
    working: WorkingImage, picks: Coordinates, diameter: float
) -> UInt8[np.ndarray, "h w 3"]:
    """The working image, twice enlarged, with a circle for every pick; green is a high score.

    Parameters
    ----------
    working
        The image that the network saw.
    picks
        In the micrograph's pixels.
    diameter
        Of the circles, Å.

    Returns
    -------
    Channels blue, green, red, as OpenCV has them.
    """
    grey = (working.image.numpy() + SHOWN_RANGE) / (2 * SHOWN_RANGE)
    picture = (grey.clip(0, 1) * 255).astype(np.uint8)
    picture = cv2.resize(picture, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    radius = max(1, round(ZOOM * diameter / working.pixel_size / 2))
    # enlarging keeps the outer border in place, so that pixel centres move by half a pixel
    centers = (picks.centers_yx / np.array(working.scale_yx) + 0.5) * ZOOM - 0.5
    for (y, x), score in zip(centers, picks.scores, strict=True):
        mix = np.clip(score, 0, 1)
        color = tuple(float(a + mix * (b - a)) for a, b in zip(LOW, HIGH, strict=True))
        cv2.circle(picture, (round(x), round(y)), radius, color, 1, cv2.LINE_AA)
    return picture
