# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by local maxima, found by ascent from the cells of a grid, as in PIXER.

Zhang et al., BMC Bioinformatics 20 (2019).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch.nn import functional

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import Search, particle_map, score_centers

EROSION = 0.25
"""Side of the erosion that separates touching particles, in particle diameters."""
WINDOW_SIGMA = 0.25
"""Standard deviation of the Gaussian window that is as wide as a particle, in diameters."""
LOWEST = 0.01
"""Lowest score at which an ascent starts."""
CLIMBS = 500
PULL = 0.2
"""Shift of a centre towards one that it replaces, as a fraction of their distance."""


def find_by_grid_maxima(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates by `grid_centers`, whose cell is the scale of the search."""
    centers = grid_centers(
        particle_map(maps), search.diameter_px, search.min_distance, search.scale
    )
    return score_centers(maps, centers, search)


def grid_centers(
    particle: Float[np.ndarray, "h w"], diameter_px: float, min_distance: float, cell: float
) -> Float[np.ndarray, "n 2"]:
    """Maxima (y, x) of the map in Gaussian windows, without overlapping boxes.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    diameter_px
        Of the particles: the side of their boxes.
    min_distance
        Of two boxes that overlap more than boxes at this distance along an axis (in diameters),
        the better is kept.
    cell
        Side of a cell of the grid and of the window of a step, in particle diameters.
    """
    scores = _window_scores(particle, diameter_px)
    pixels = _climb(scores, max(1, round(cell * diameter_px / 2)))
    strengths = scores[pixels[:, 0], pixels[:, 1]]
    order = np.argsort(-strengths, kind="stable")
    return _thin_out(pixels[order].astype(float), diameter_px, max(0.0, 1 - min_distance))


def _window_scores(
    particle: Float[np.ndarray, "h w"], diameter_px: float
) -> Float[np.ndarray, "h w"]:
    """Mean of the eroded map around each pixel, in a Gaussian window."""
    side = 2 * round(EROSION * diameter_px / 2) + 1
    eroded = cv2.erode(particle.astype(np.float32), np.ones((side, side), np.uint8))
    width = 2 * round(diameter_px / 2) + 1
    sigma = WINDOW_SIGMA * diameter_px
    blurred = cv2.GaussianBlur(eroded, (width, width), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred)


def _climb(scores: Float[np.ndarray, "h w"], reach: int) -> Int[np.ndarray, "n 2"]:
    """Pixels where ascents end that start in every cell and step to the highest pixel in reach."""
    plane, side = torch.from_numpy(scores)[None, None], 2 * reach + 1
    _, highest = functional.max_pool2d(plane, side, 1, reach, return_indices=True)
    values, starts = functional.max_pool2d(plane, side, ceil_mode=True, return_indices=True)
    uphill, places = highest.flatten(), starts[values > LOWEST]
    for _ in range(CLIMBS):
        following = uphill[places]
        if torch.equal(following, places):
            break
        places = following
    return np.stack(np.divmod(np.unique(places.numpy()), scores.shape[1]), axis=1)


def _thin_out(
    centers: Float[np.ndarray, "n 2"], side: float, overlap: float
) -> Float[np.ndarray, "kept 2"]:
    """Centres, best first, without those whose boxes overlap a better one's by more than a part.

    Each is moved a little towards those that it replaces.
    """
    if len(centers) < 2:
        return centers
    pairs = cKDTree(centers).query_pairs(side, p=np.inf, output_type="ndarray")
    common = np.prod(side - np.abs(np.subtract(*centers[pairs.T])), axis=1)
    pairs = pairs[common > overlap * side**2]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    kept, moved = np.ones(len(centers), bool), centers.copy()
    for better, worse in pairs.tolist():
        if kept[better] and kept[worse]:
            kept[worse] = False
            moved[better] += PULL * (centers[worse] - moved[better])
    return moved[kept]
