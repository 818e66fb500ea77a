# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by contours: circles around the regions of the thresholded, eroded map."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import LEVEL, Search, particle_map, score_centers

SMALLEST_AREA = 0.01
"""Smallest area of a region, relative to the disc of a particle."""
LONGEST_SIDE = 1.26
"""Longest eroded region of a single particle, in particle diameters."""


def find_by_contours(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates by `contour_centers`, whose erosion is the scale of the search."""
    centers = contour_centers(particle_map(maps), search.diameter_px, search.scale)
    return score_centers(maps, centers, search)


def contour_centers(
    particle: Float[np.ndarray, "h w"], diameter_px: float, erosion: float
) -> Float[np.ndarray, "n 2"]:
    """Centres (y, x) of the smallest circles around the regions of a map.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    diameter_px
        Of the particles.
    erosion
        Diameter of the erosion, which separates touching particles, in particle diameters.

    Notes
    -----
    The first centre finder of CRISP (arXiv 2502.08287).
    """
    side = 2 * round(erosion * diameter_px / 2) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    pieces = cv2.erode((particle > LEVEL).astype(np.uint8), element)
    contours, _ = cv2.findContours(pieces, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    smallest = SMALLEST_AREA * np.pi / 4 * diameter_px**2
    longest = LONGEST_SIDE * diameter_px
    circles = [
        cv2.minEnclosingCircle(contour)[0]
        for contour in contours
        if cv2.contourArea(contour) >= smallest and max(cv2.minAreaRect(contour)[1]) < longest
    ]
    return np.array([(y, x) for x, y in circles], dtype=np.float64).reshape(-1, 2)
