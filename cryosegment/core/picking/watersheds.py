# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by watershed: centroids of the regions of the thresholded map, parted at their waists."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import LEVEL, Search, particle_map, score_centers

SMOOTHING = 0.05
"""Standard deviation of the smoothing of the distances from the outline, in particle diameters."""
AREAS = (0.1, 3.0)
"""Smallest and largest area of a region, relative to the disc of a particle."""


def find_by_watershed(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates by `parted_regions`, at whose centroids they are."""
    labels = parted_regions(particle_map(maps), search.diameter_px, search.scale)
    numbers = np.arange(1, labels.max() + 1)
    centers = ndimage.center_of_mass(labels > 0, labels, numbers)
    return score_centers(maps, np.reshape(centers, (-1, 2)), search)


def parted_regions(
    particle: Float[np.ndarray, "h w"], diameter_px: float, between: float
) -> Int[np.ndarray, "h w"]:
    """Regions of a map that are about as large as a particle: 0 background, else their number.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    diameter_px
        Of the particles.
    between
        Smallest distance of two that are parted, in particle diameters: each floods from where
        it is farthest from the outline.
    """
    inside = np.pad(particle > LEVEL, 1)
    depths = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
    depths = ndimage.gaussian_filter(depths, SMOOTHING * diameter_px)
    inside = inside[1:-1, 1:-1]
    reach = max(1, round(between * diameter_px))
    deepest = peak_local_max(
        depths, min_distance=reach, labels=inside.astype(np.uint8), exclude_border=False, p_norm=2
    )
    seeds = np.zeros(inside.shape, np.int32)
    seeds[tuple(deepest.T)] = np.arange(1, len(deepest) + 1)
    labels = watershed(-depths, seeds, mask=inside)
    areas = np.bincount(labels.ravel()) / (np.pi / 4 * diameter_px**2)
    kept = (areas >= AREAS[0]) & (areas <= AREAS[1])
    kept[0] = False
    return np.asarray((np.cumsum(kept) * kept)[labels])
