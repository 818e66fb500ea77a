# SPDX-License-Identifier: GPL-3.0-or-later
"""Greedy suppression of neighbours: of close candidates the best is kept."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree


def suppress_neighbors(
    centers_yx: Float[np.ndarray, "n 2"], scores: Float[np.ndarray, " n"], distance_px: float
) -> Int[np.ndarray, " kept"]:
    """Rows that are kept when each, best score first, removes the others within a distance.

    Parameters
    ----------
    centers_yx
        px.
    scores
        Higher is better; of equal scores the earlier row is kept.
    distance_px
        Kept rows are at least this far apart; 0 keeps all.

    Returns
    -------
    Rows in the order of falling score.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2 or distance_px <= 0:
        return order
    pairs = cKDTree(centers_yx[order]).query_pairs(distance_px, output_type="ndarray")
    apart = np.linalg.norm(np.subtract(*centers_yx[order][pairs.T]), axis=1)
    pairs = pairs[apart < distance_px]  # the tree's bound is inclusive; rows are first < second
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    kept = np.ones(len(order), bool)
    for better, worse in pairs.tolist():
        if kept[better]:
            kept[worse] = False
    return order[kept]
