# SPDX-License-Identifier: GPL-3.0-or-later
"""One-to-one matching of picks and reference particles, within a tolerance."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Matching:
    """Pairs of picks and reference particles.

    Parameters
    ----------
    picks, reference
        Rows of the pairs.
    distances
        Between the two of each pair, px.
    """

    picks: Int[np.ndarray, " pairs"]
    reference: Int[np.ndarray, " pairs"]
    distances: Float[np.ndarray, " pairs"]

    def __len__(self) -> int:
        return len(self.distances)


@dataclass(frozen=True)
class Pairs:
    """Pairs that a pick and a reference particle may make.

    Parameters
    ----------
    picks, reference
        Rows of each pair.
    costs
        The less, the better the pair; not negative.
    shape
        Numbers of picks and of reference particles.
    """

    picks: Int[np.ndarray, " pairs"]
    reference: Int[np.ndarray, " pairs"]
    costs: Float[np.ndarray, " pairs"]
    shape: tuple[int, int]

    def select(self, chosen: Bool[np.ndarray, " pairs"]) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.picks[chosen], self.reference[chosen], self.costs[chosen], self.shape)


def near(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    tolerance_px: float,
) -> Pairs:
    """Pairs within a distance (px), which is their cost."""
    return _pairs(picks_yx, reference_yx, tolerance_px, p=2.0)


def overlapping(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    side_px: float,
    least: float,
) -> Pairs:
    """Pairs whose square boxes overlap enough.

    Parameters
    ----------
    side_px
        Of the boxes, px.
    least
        Least intersection over union; the cost of a pair is what it lacks to 1.
    """
    pairs = _pairs(picks_yx, reference_yx, side_px, p=np.inf)
    offsets = np.abs(picks_yx[pairs.picks] - reference_yx[pairs.reference])
    shared = np.prod(np.maximum(side_px - offsets, 0), axis=1)
    overlaps = shared / (2 * side_px**2 - shared)
    found = Pairs(pairs.picks, pairs.reference, 1 - overlaps, pairs.shape)
    return found.select(overlaps >= least)


def _pairs(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    distance: float,
    p: float,
) -> Pairs:
    shape = (len(picks_yx), len(reference_yx))
    if not all(shape):
        nothing = np.empty(0, int)
        return Pairs(nothing, nothing, np.empty(0), shape)
    tree, reference_tree = cKDTree(picks_yx), cKDTree(reference_yx)
    found = tree.sparse_distance_matrix(reference_tree, distance, p, output_type="coo_matrix")
    return Pairs(found.row.astype(int), found.col.astype(int), found.data, shape)


def best_pairs(pairs: Pairs) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Rows of picks and of particles: as many pairs as possible, of the least total cost.

    Notes
    -----
    The assignment problem of Kuhn's Hungarian method, solved on the sparse graph of pairs
    (Jonker & Volgenant, Computing 1987): every pick may also take a reference of its own, which
    means "unmatched" and costs more than all pairs together could.
    """
    picks, particles = pairs.shape
    if not len(pairs.costs):
        return np.empty(0, int), np.empty(0, int)
    unmatched = (pairs.costs.max() + 1) * (min(picks, particles) + 1)
    costs = np.concatenate([pairs.costs, np.full(picks, unmatched)])
    rows = np.concatenate([pairs.picks, np.arange(picks)])
    columns = np.concatenate([pairs.reference, particles + np.arange(picks)])
    # The solver takes a cost of 0 for "no edge"; one more everywhere changes no optimum.
    graph = coo_matrix((costs + 1, (rows, columns)), shape=(picks, particles + picks))
    row, column = min_weight_full_bipartite_matching(graph.tocsr())
    is_pair = column < particles
    return row[is_pair].astype(int), column[is_pair].astype(int)


def ranked_partners(
    pairs: Pairs, scores: Float[np.ndarray, " picks"]
) -> Int[np.ndarray, " particles"]:
    """The pick of each particle, -1 where none, if picks take particles in order of their scores.

    A pick has a partner if it adds a pair to the best matching of the picks with higher scores.
    The number of these among the picks above any threshold is the largest number of pairs of
    these picks alone, so one pass gives the whole precision-recall curve.

    Notes
    -----
    Matched picks form a transversal matroid (Edmonds & Fulkerson, 1965): augmenting in the order
    of the scores keeps every prefix at its maximum.
    """
    partners = np.full(pairs.shape[1], -1)
    order = np.argsort(pairs.picks, kind="stable")
    counts = np.bincount(pairs.picks, minlength=pairs.shape[0])
    starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
    particles = pairs.reference[order].tolist()
    wanted = [particles[a:b] for a, b in pairwise(starts)]
    owner: dict[int, int] = {}
    for pick in np.argsort(-scores, kind="stable").tolist():
        _augment(pick, wanted, owner)
    partners[list(owner)] = list(owner.values())
    return partners


def match(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    tolerance_px: float,
) -> Matching:
    """The largest possible number of pairs and, of these, those with the least total distance.

    Parameters
    ----------
    tolerance_px
        Largest distance of a pair, px.

    Examples
    --------
    Two pairs are more than one of the least distance:

    >>> found = match(np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([[0.0, 4.0], [0.0, 8.0]]), 5.0)
    >>> found.picks.tolist(), found.reference.tolist(), found.distances.tolist()
    ([0, 1], [0, 1], [4.0, 4.0])
    """
    picks, reference = best_pairs(near(picks_yx, reference_yx, tolerance_px))
    distances = np.linalg.norm(picks_yx[picks] - reference_yx[reference], axis=1)
    return Matching(picks, reference, distances)


def ranked_hits(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    scores: Float[np.ndarray, " picks"],
    tolerance_px: float,
) -> Bool[np.ndarray, " picks"]:
    """Whether each pick has a partner within a distance, as `ranked_partners` gives them."""
    partners = ranked_partners(near(picks_yx, reference_yx, tolerance_px), scores)
    return has_partner(partners, len(picks_yx))


def has_partner(partners: Int[np.ndarray, " particles"], picks: int) -> Bool[np.ndarray, " picks"]:
    """Which of a number of picks are a partner of a particle."""
    found = np.zeros(picks, bool)
    found[partners[partners >= 0]] = True
    return found


def _augment(pick: int, wanted: list[list[int]], owner: dict[int, int]) -> None:
    """Match a pick with a particle, moving other picks to other particles if needed.

    `owner` (particle: pick) is changed if there is a way.
    """
    wanted_by: dict[int, int] = {}
    held: dict[int, int] = {}
    waiting = deque([pick])
    while waiting:
        current = waiting.popleft()
        for particle in wanted[current]:
            if particle in wanted_by:
                continue
            wanted_by[particle] = current
            if particle not in owner:
                _hand_over(particle, wanted_by, held, owner)
                return
            held[owner[particle]] = particle
            waiting.append(owner[particle])


def _hand_over(
    free: int, wanted_by: dict[int, int], held: dict[int, int], owner: dict[int, int]
) -> None:
    """Move each pick on the way to `free` one particle along it."""
    particle: int | None = free
    while particle is not None:
        taker = wanted_by[particle]
        owner[particle] = taker
        particle = held.get(taker)
