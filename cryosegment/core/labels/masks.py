# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask of a particle image: signal, the edge around it, background.

The edge lies outside the signal, as in particleSeg, where it is the background up to 5 px from the
signal; here the width is free and distances are Euclidean.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int8

from cryosegment.core.labels.canvas import window_of
from cryosegment.exchange.labels import EDGE, PARTICLE

ROUNDING = 1e-4
"""Distances, roots of whole numbers in single precision, are off by less, px."""


def mask_image(
    footprint: Bool[np.ndarray, "s s"],
    anchor_yx: Float[np.ndarray, " 2"],
    side: int,
    edge_px: float,
) -> Int8[np.ndarray, "side side"]:
    """The mask of a square particle image: 0 background, 1 signal, 3 edge.

    Parameters
    ----------
    footprint
        Pixels of the signal.
    anchor_yx
        Position of pixel `s // 2` of the footprint in the image, rounded down; px.
    side
        Side of the image, px; what lies beyond is cut off.
    edge_px
        Pixels outside the signal up to this far from its nearest pixel are edge.
    """
    signal = np.pad(footprint, math.ceil(edge_px))
    classes = signal.astype(np.int8) * PARTICLE
    if edge_px > 0 and signal.any():
        outside = (~signal).view(np.uint8)
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        classes[(distance > 0) & (distance <= edge_px + ROUNDING)] = EDGE
    image = np.zeros((side, side), np.int8)
    window, part = window_of(image.shape, anchor_yx, len(signal))
    image[window] = classes[part]
    return image
