# SPDX-License-Identifier: GPL-3.0-or-later
"""How picks lie to each other, beside discs that lie at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.suppression import suppress_neighbors

BIN, FARTHEST = 0.1, 4.0
"""Width of the bins of distances, and the largest distance, in particle diameters."""
NEAREST_SHARE = 0.01
"""The discs are as large as this share of the picks' nearest neighbours are near."""
SIMULATED = 50
"""Micrographs of discs, at most: evenly from all."""
MOST_ROUNDS = 50
"""Times that as many places as discs are tried; where there is no room, there are fewer discs."""

Points = Float[np.ndarray, "_ 2"]
Size = tuple[float, float]


@dataclass(frozen=True)
class Arrangement:
    """How the picks of a set lie to each other.

    Parameters
    ----------
    edges
        Of the bins of distances, Å.
    pairs
        Pairs of picks at each distance over those that as many places anywhere would have.
    disc_pairs
        The same of discs at random places, as many on each micrograph, of which no two overlap.
    disc_diameter
        Of these, Å: a hundredth of the picks have a neighbour that is nearer.
    nearest
        Median distance to the nearest other pick, Å; NaN without neighbours.
    overlapping
        Share of the picks with another within half a particle diameter.
    """

    edges: Float[np.ndarray, " edges"]
    pairs: Float[np.ndarray, " bins"]
    disc_pairs: Float[np.ndarray, " bins"]
    disc_diameter: float
    nearest: float
    overlapping: float


def arrange(
    picks: Sequence[Points], sizes: Sequence[Size], diameter: float, seed: int = 0
) -> Arrangement:
    """How picks lie to each other.

    Parameters
    ----------
    picks
        Centres on each micrograph, Å, from a corner of the field.
    sizes
        Height and width of the field on each, Å: where picks may be.
    diameter
        Of the particle, Å.
    seed
        Of the discs.
    """
    edges = np.arange(0, FARTHEST + BIN / 2, BIN) * diameter
    nearest = np.concatenate([np.empty(0), *map(_nearest, picks)])
    disc = float(np.quantile(nearest, NEAREST_SHARE)) if len(nearest) else diameter
    rows = np.unique(np.linspace(0, len(picks) - 1, min(SIMULATED, len(picks))).round().astype(int))
    random = np.random.default_rng(seed)
    discs = [random_discs(len(picks[i]), sizes[i], disc, random) for i in rows]
    return Arrangement(
        edges,
        pair_correlation(picks, sizes, edges),
        pair_correlation(discs, [sizes[i] for i in rows], edges),
        disc,
        float(np.median(nearest)) if len(nearest) else np.nan,
        float((nearest < diameter / 2).mean()) if len(nearest) else 0.0,
    )


def _nearest(points: Points) -> Float[np.ndarray, " m"]:
    """Distance of each point to the nearest other; nothing for one alone."""
    if len(points) < 2:
        return np.empty(0)
    distances, _ = cKDTree(points).query(points, k=2)
    return np.asarray(distances[:, 1])


def pair_correlation(
    points: Sequence[Points], sizes: Sequence[Size], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, " bins"]:
    """Pairs of points in each bin of distances, over those of as many independent places.

    Parameters
    ----------
    points
        Of each field.
    sizes
        Height and width of each field.
    edges
        Of the bins. Distances larger than a field's shorter side are not counted in it.

    Returns
    -------
    1 where points know nothing of each other; NaN where no field has pairs.
    """
    found, expected = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for own, size in zip(points, sizes, strict=True):
        fitting = edges[edges <= min(size)]
        if len(own) < 2 or len(fitting) < 2:
            continue
        near = cKDTree(own).query_pairs(fitting[-1], output_type="ndarray")
        distances = np.linalg.norm(own[near[:, 0]] - own[near[:, 1]], axis=1)
        counts, _ = np.histogram(distances, fitting)
        found[: len(counts)] += counts
        pairs = len(own) * (len(own) - 1) / 2
        expected[: len(counts)] += pairs * np.diff(share_within(fitting, size))
    return np.divide(found, expected, out=np.full(len(found), np.nan), where=expected > 0)


def share_within(distances: Float[np.ndarray, " n"], size: Size) -> Float[np.ndarray, " n"]:
    """Chance that two independent places in a rectangle are within each distance.

    Parameters
    ----------
    distances
        No larger than the shorter side.
    size
        Its sides.

    Notes
    -----
    Philip, The probability distribution of the distance between two random points in a box, 2007.
    """
    area, sides = size[0] * size[1], size[0] + size[1]
    terms = np.pi * area * distances**2 - 4 / 3 * sides * distances**3 + distances**4 / 2
    return terms / area**2


def random_discs(count: int, size: Size, diameter: float, random: np.random.Generator) -> Points:
    """Centres of discs that are laid down at random one after the other, none on another.

    Parameters
    ----------
    count
        Of the discs; there are fewer where the room does not suffice.
    size
        Height and width of the field that holds the centres.
    diameter
        Least distance of two centres.
    random
        Gives the places.
    """
    placed = np.empty((0, 2))
    for _ in range(MOST_ROUNDS):
        places = random.uniform(0, 1, (count, 2)) * size
        if len(placed):
            places = places[cKDTree(placed).query(places)[0] >= diameter]
        kept = suppress_neighbors(places, -np.arange(len(places), dtype=float), diameter)
        placed = np.concatenate([placed, places[kept]])[:count]
        if len(placed) == count:
            break
    return placed


def spanned(picks: Sequence[Coordinates]) -> tuple[Points, Float[np.ndarray, " 2"]]:
    """First corner and size (height, width) of the rectangle that all picks span, Å."""
    filled = [each.centers_yx * each.pixel_size for each in picks if len(each)]
    if not filled:
        return np.zeros((1, 2)), np.zeros(2)
    low = np.min([centers.min(0) for centers in filled], axis=0)
    high = np.max([centers.max(0) for centers in filled], axis=0)
    return low[None], high - low
