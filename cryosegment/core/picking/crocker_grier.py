# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by the method of Crocker & Grier (J. Colloid Interface Sci. 179, 1996)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import Search, particle_map, score_centers
from cryosegment.exchange.suppression import suppress_neighbors

NOISE_SIGMA = 1.0
"""Standard deviation of the Gaussian that suppresses noise, px."""
FAINTEST = 1 / 255
"""Band-passed values below this are background."""
PERCENTILE = 64
"""Percentile of the pixels above the background that maxima exceed."""
ROUNDS = 10
TURN = 0.6
"""A window is moved by a pixel as long as its centroid is farther than this from its middle, px."""


def find_by_crocker_grier(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates by `crocker_grier_centers`, whose window is the scale of the search."""
    centers = crocker_grier_centers(
        particle_map(maps), search.diameter_px, search.min_distance, search.scale
    )
    return score_centers(maps, centers, search)


def crocker_grier_centers(
    particle: Float[np.ndarray, "h w"], diameter_px: float, min_distance: float, feature: float
) -> Float[np.ndarray, "n 2"]:
    """Centroids (y, x) around the maxima of a band-passed map.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    diameter_px
        Of the particles.
    min_distance
        Between maxima and between centres, in particle diameters.
    feature
        Diameter of the window of the band-pass and of the centroid, in particle diameters. Where
        a map is saturated, the band of a smaller one would be a ring.
    """
    half = max(1, round(feature * diameter_px / 2))
    band = _band_pass(particle.astype(np.float64), half)
    bright = band[band > 0]
    if not bright.size:
        return np.empty((0, 2))
    reach = max(1, int(min_distance * diameter_px / np.sqrt(2)))
    highest = ndimage.maximum_filter(band, 2 * reach + 1)
    tops = (band == highest) & (band > np.percentile(bright, PERCENTILE))
    labels, count = ndimage.label(tops)
    middles = ndimage.center_of_mass(tops, labels, np.arange(1, count + 1))
    centers, masses = _centroids(band, np.rint(np.reshape(middles, (-1, 2))).astype(int), half)
    return centers[suppress_neighbors(centers, masses, min_distance * diameter_px)]


def _band_pass(image: Float[np.ndarray, "h w"], half: int) -> Float[np.ndarray, "h w"]:
    """The image without noise and without structures wider than the window."""
    smooth = ndimage.gaussian_filter(image, NOISE_SIGMA, mode="nearest")
    band = smooth - ndimage.uniform_filter(image, 2 * half + 1, mode="nearest")
    return np.where(band >= FAINTEST, band, 0.0)


def _centroids(
    band: Float[np.ndarray, "h w"], pixels: Int[np.ndarray, "n 2"], half: int
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """Centroids and masses of the discs around pixels, moved until they are centred."""
    steps = np.mgrid[-half : half + 1, -half : half + 1].reshape(2, -1).T
    steps = steps[(steps**2).sum(1) <= half**2]
    padded = np.pad(band, half)
    limits = np.array(band.shape) - 1
    for _ in range(ROUNDS):
        rows, columns = (pixels[:, None] + steps + half).transpose(2, 0, 1)
        weights = padded[rows, columns]
        masses = weights.sum(1)
        shifts = (weights @ steps) / masses[:, None]
        moves = np.where(np.abs(shifts) > TURN, np.sign(shifts), 0).astype(int)
        moved = np.clip(pixels + moves, 0, limits)
        if (moved == pixels).all():
            break
        pixels = moved
    return np.clip(pixels + shifts, 0, limits), masses
