# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picks of several sets are of one particle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import squareform

logger = logging.getLogger(__name__)

MOST_CLIQUES = 2_000
"""Possible particles of a crowded place, beyond which they are not all weighed."""

Overlaps = dict[tuple[int, int], float]
Clique = tuple[int, ...]


def group_picks(
    centers_yx: Float[np.ndarray, "picks 2"],
    sets: Int[np.ndarray, " picks"],
    scores: Float[np.ndarray, " picks"],
    radius: float,
    diameter: float,
) -> Int[np.ndarray, " picks"]:
    """Number of the particle that each pick is of, from 0.

    The picks of a particle are mutually within the radius, and at most one of each set. Of all
    ways to share picks among particles, it is the one in which most pairs of picks agree; of
    several, the one whose particles weigh most together, as in REPIC: each the mean overlap of its
    picks times their mean score.

    Parameters
    ----------
    centers_yx
        Of one micrograph, in the unit of the lengths.
    sets
        Number of the set of each pick.
    scores
        From 0 to 1, and the same kind in all sets.
    radius
        Largest distance between two picks of a particle.
    diameter
        Of the discs whose overlap weighs.

    Notes
    -----
    REPIC: Cameron, Seager, Sigworth, Tagare and Gerstein, bioRxiv 2023. Its particles have a pick
    of every set; here some may lack one, so that the number of votes is chosen afterwards and more
    votes never bring other particles. REPIC takes medians, by which copies of one set, of particles
    near each other, could be mixed.

    Examples
    --------
    >>> centers_yx = np.array([[0.0, 0.0], [0.0, 3.0], [0.0, 5.0]])
    >>> group_picks(centers_yx, np.array([0, 1, 0]), np.ones(3), 4.0, 10.0).tolist()
    [0, 1, 1]
    """
    order = np.lexsort((scores, *centers_yx.T))  # so that the order of picks and sets means nothing
    groups = np.empty(len(order), int)
    groups[order] = _grouped(centers_yx[order], sets[order], scores[order], radius, diameter)
    _, groups = np.unique(groups, return_inverse=True)
    return groups.astype(int)


def _grouped(
    centers_yx: Float[np.ndarray, "picks 2"],
    sets: Int[np.ndarray, " picks"],
    scores: Float[np.ndarray, " picks"],
    radius: float,
    diameter: float,
) -> Int[np.ndarray, " picks"]:
    """A number for each particle, at its picks."""
    count = len(centers_yx)
    if count < 2:
        return np.arange(count)
    pairs = cKDTree(centers_yx).query_pairs(radius, output_type="ndarray")
    pairs = np.sort(pairs[sets[pairs[:, 0]] != sets[pairs[:, 1]]], axis=1)
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count))
    number, places = connected_components(graph, directed=False)
    sizes, agreeing = (np.bincount(of, minlength=number) for of in (places, places[pairs[:, 0]]))
    is_crowded = agreeing < sizes * (sizes - 1) // 2  # elsewhere, all of a place agree
    groups = np.where(is_crowded[places], number + np.arange(count), places)
    near = pairs[is_crowded[places[pairs[:, 0]]]]
    distances = np.linalg.norm(centers_yx[near[:, 0]] - centers_yx[near[:, 1]], axis=1)
    overlaps = disc_overlap(distances / diameter)
    cliques: list[Clique] = []
    weights: list[float] = []
    for rows in _split(places[near[:, 0]]):
        own = dict(zip(map(tuple, near[rows].tolist()), overlaps[rows].tolist()))
        choices = _cliques(own)
        if choices is None:
            _group_nearest_first(groups, near[rows], distances[rows], radius)
            continue
        cliques += choices
        of_pair = 1 + len(np.unique(near[rows])) // 2  # particles of a place, and one
        weights += [_weight(clique, own, scores, of_pair) for clique in choices]
    for i, clique in enumerate(_heaviest(cliques, np.array(weights))):
        groups[list(clique)] = number + count + i
    return groups


def disc_overlap(distances: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Jaccard index of two discs, their distance in diameters: shared area over that of both."""
    apart = np.minimum(distances, 1.0)
    shared = (np.arccos(apart) - apart * np.sqrt(1 - apart**2)) * 2 / np.pi
    return shared / (2 - shared)


def _split(places: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " m"]]:
    """Rows of each place."""
    order = np.argsort(places, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(places[order])) + 1) if len(order) else []


def _cliques(overlaps: Overlaps) -> list[Clique] | None:
    """All sets of two or more picks that mutually overlap; None where they are too many."""
    later: dict[int, set[int]] = {}
    for first, second in overlaps:
        later.setdefault(first, set()).add(second)
    found: list[Clique] = []
    waiting: list[tuple[Clique, set[int]]] = [((pick,), later[pick]) for pick in sorted(later)]
    while waiting:
        clique, more = waiting.pop()
        for pick in sorted(more):
            found.append((*clique, pick))
            waiting.append(((*clique, pick), more & later.get(pick, set())))
        if len(found) > MOST_CLIQUES:
            return None
    return found


def _weight(
    clique: Clique, overlaps: Overlaps, scores: Float[np.ndarray, " picks"], of_pair: float
) -> float:
    """Weight of a particle in REPIC, at most 1, and that of its pairs, which goes before."""
    own = [overlaps[pair] for pair in combinations(clique, 2)]
    return len(own) * of_pair + fmean(own) * fmean(scores[list(clique)].tolist())


def _heaviest(cliques: Sequence[Clique], weights: Float[np.ndarray, " cliques"]) -> list[Clique]:
    """The cliques that together weigh most, of which no two share a pick."""
    if not cliques:
        return []
    sizes = [len(clique) for clique in cliques]
    columns = np.repeat(np.arange(len(cliques)), sizes)
    _, rows = np.unique(np.concatenate(cliques), return_inverse=True)
    shares = coo_matrix((np.ones(len(rows)), (rows, columns)))
    found = milp(
        -weights,
        integrality=np.ones(len(cliques)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(shares.tocsc(), -np.inf, 1),
        options={"mip_rel_gap": 0},
    )
    return [clique for clique, chosen in zip(cliques, found.x, strict=True) if chosen > 0.5]


def _group_nearest_first(
    groups: Int[np.ndarray, " picks"],
    pairs: Int[np.ndarray, "pairs 2"],
    distances: Float[np.ndarray, " pairs"],
    radius: float,
) -> None:
    """Group the picks of a place by complete linkage, which joins what is nearest first."""
    members, ends = np.unique(pairs, return_inverse=True)
    first, second = ends.reshape(-1, 2).T
    apart = np.full((len(members), len(members)), 2 * radius)
    apart[first, second] = apart[second, first] = distances
    np.fill_diagonal(apart, 0)
    joined = fcluster(linkage(squareform(apart), "complete"), radius, "distance")
    groups[members] = groups[members[np.unique(joined, return_index=True)[1][joined - 1]]]
    logger.warning(
        "a place with %d picks has more possible particles than can be weighed: those nearest to "
        "each other were joined first; with a smaller radius there are fewer",
        len(members),
    )
