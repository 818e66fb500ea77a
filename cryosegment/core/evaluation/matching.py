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

    Notes
    -----
    The assignment problem of Kuhn's Hungarian method, solved on the sparse graph of neighbours
    (Jonker & Volgenant, Computing 1987): every pick may also take a reference of its own, which
    means "unmatched" and costs more than all pairs together could.

    Examples
    --------
    Two pairs are more than one of the least distance:

    >>> found = match(np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([[0.0, 4.0], [0.0, 8.0]]), 5.0)
    >>> found.picks.tolist(), found.reference.tolist(), found.distances.tolist()
    ([0, 1], [0, 1], [4.0, 4.0])
    """
    picks, particles = len(picks_yx), len(reference_yx)
    if picks == 0 or particles == 0:
        nothing = np.empty(0, int)
        return Matching(nothing, nothing, np.empty(0))
    pairs = _neighbors(picks_yx, reference_yx, tolerance_px)
    unmatched = tolerance_px * (min(picks, particles) + 1)
    costs = np.concatenate([pairs.data, np.full(picks, unmatched)])
    rows = np.concatenate([pairs.row, np.arange(picks)])
    columns = np.concatenate([pairs.col, particles + np.arange(picks)])
    # The solver takes a cost of 0 for "no edge"; one more everywhere changes no optimum.
    graph = coo_matrix((costs + 1, (rows, columns)), shape=(picks, particles + picks))
    row, column = min_weight_full_bipartite_matching(graph.tocsr())
    row, column = row[column < particles], column[column < particles]
    distances = np.linalg.norm(picks_yx[row] - reference_yx[column], axis=1)
    return Matching(row.astype(int), column.astype(int), distances)


def ranked_hits(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    scores: Float[np.ndarray, " picks"],
    tolerance_px: float,
) -> Bool[np.ndarray, " picks"]:
    """Whether each pick adds a pair to the best matching of the picks with higher scores.

    The number of hits among the picks above any threshold is the number of pairs `match` finds
    for these picks alone, so one pass gives the whole precision-recall curve.

    Notes
    -----
    Matched picks form a transversal matroid (Edmonds & Fulkerson, 1965): augmenting in the order
    of the scores keeps every prefix at its maximum.
    """
    hits = np.zeros(len(picks_yx), bool)
    if len(picks_yx) == 0 or len(reference_yx) == 0:
        return hits
    pairs = _neighbors(picks_yx, reference_yx, tolerance_px).tocsr()
    starts, particles = pairs.indptr.tolist(), pairs.indices.tolist()
    near = [particles[a:b] for a, b in pairwise(starts)]
    owner: dict[int, int] = {}
    for pick in np.argsort(-scores, kind="stable").tolist():
        hits[pick] = _augment(pick, near, owner)
    return hits


def _neighbors(
    picks_yx: Float[np.ndarray, "picks 2"],
    reference_yx: Float[np.ndarray, "particles 2"],
    tolerance_px: float,
) -> coo_matrix:
    """Distances of the pairs within the tolerance."""
    tree, reference_tree = cKDTree(picks_yx), cKDTree(reference_yx)
    return tree.sparse_distance_matrix(reference_tree, tolerance_px, output_type="coo_matrix")


def _augment(pick: int, near: list[list[int]], owner: dict[int, int]) -> bool:
    """Match a pick with a particle, moving other picks to other particles if needed.

    `owner` (particle: pick) is changed if there is a way.
    """
    wanted_by: dict[int, int] = {}
    held: dict[int, int] = {}
    waiting = deque([pick])
    while waiting:
        current = waiting.popleft()
        for particle in near[current]:
            if particle in wanted_by:
                continue
            wanted_by[particle] = current
            if particle not in owner:
                _hand_over(particle, wanted_by, held, owner)
                return True
            held[owner[particle]] = particle
            waiting.append(owner[particle])
    return False


def _hand_over(
    free: int, wanted_by: dict[int, int], held: dict[int, int], owner: dict[int, int]
) -> None:
    """Move each pick on the way to `free` one particle along it."""
    particle: int | None = free
    while particle is not None:
        taker = wanted_by[particle]
        owner[particle] = taker
        particle = held.get(taker)
