# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours: how far the nearest is, and of close candidates the best alone."""

from __future__ import annotations

import numpy as np

AT_ONCE = 500
"""Rows whose distances to all others are held at once."""


def nearest_distances(centers_yx: np.ndarray) -> np.ndarray:
    """Distance of each centre to the nearest other, (n,); NaN for one alone.

    Parameters
    ----------
    centers_yx
        Centres, (n, 2).
    """
    found = np.full(len(centers_yx), np.nan)
    for start in range(0, len(centers_yx) if len(centers_yx) > 1 else 0, AT_ONCE):
        some = centers_yx[start : start + AT_ONCE]
        away = np.linalg.norm(some[:, None] - centers_yx, axis=-1)
        away[np.arange(len(some)), start + np.arange(len(some))] = np.inf
        found[start : start + AT_ONCE] = away.min(axis=1)
    return found


def suppress_neighbors(
    centers_yx: np.ndarray, scores: np.ndarray, distance_px: float
) -> np.ndarray:
    """Rows that are kept when each, best score first, removes the others within a distance.

    Parameters
    ----------
    centers_yx
        px, (n, 2).
    scores
        Higher is better, (n,); of equal scores the earlier row is kept.
    distance_px
        Kept rows are at least this far apart; 0 keeps all.

    Returns
    -------
    Rows in the order of falling score.

    Examples
    --------
    The second is too near to the first, which is better:

    >>> centers_yx = np.array([[0.0, 0.0], [0.0, 3.0], [0.0, 9.0]])
    >>> suppress_neighbors(centers_yx, np.array([0.8, 0.3, 0.9]), 5.0).tolist()
    [2, 0]
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2 or distance_px <= 0:
        return order
    pairs = _close_pairs(centers_yx[order], distance_px)
    kept = np.ones(len(order), bool)
    for better, worse in pairs.tolist():
        if kept[better]:
            kept[worse] = False
    return order[kept]


def _close_pairs(centers_yx: np.ndarray, distance_px: float) -> np.ndarray:
    """Pairs of rows that are nearer than a distance, first < second, sorted by the first, (n, 2).

    Each is compared with those alone that follow it within the distance along y.
    """
    downwards = np.argsort(centers_yx[:, 0], kind="stable")
    y = centers_yx[downwards, 0]
    following = np.searchsorted(y, y + distance_px, side="right") - np.arange(1, len(y) + 1)
    first = np.repeat(np.arange(len(y)), following)
    steps = np.arange(len(first)) - np.repeat(np.cumsum(following) - following, following)
    pairs = downwards[np.stack((first, first + 1 + steps), axis=1)]
    apart = np.linalg.norm(centers_yx[pairs[:, 0]] - centers_yx[pairs[:, 1]], axis=1)
    pairs = np.sort(pairs[apart < distance_px], axis=1)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]
