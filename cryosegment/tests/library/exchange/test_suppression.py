# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours against the obvious double loop."""

import numpy as np
import pytest

from cryosegment.exchange.suppression import AT_ONCE, nearest_distances, suppress_neighbors


def by_double_loop(centers_yx, scores, distance_px):
    kept = []
    for row in sorted(range(len(scores)), key=lambda row: (-scores[row], row)):
        if all(np.linalg.norm(centers_yx[row] - centers_yx[k]) >= distance_px for k in kept):
            kept.append(row)
    return kept


@pytest.mark.parametrize("distance_px", [0.0, 5.0, 20.0, 500.0])
def test_same_as_double_loop(distance_px):
    rng = np.random.default_rng(3)
    centers_yx = np.concatenate([rng.random((200, 2)) * 100, [[0.0, 0.0], [0.0, 20.0]]])
    scores = np.round(rng.random(202), 1)
    kept = suppress_neighbors(centers_yx, scores, distance_px)
    assert kept.tolist() == by_double_loop(centers_yx, scores, distance_px)


def test_suppressed_rows_suppress_nothing():
    centers_yx = np.array([[0.0, 0.0], [0.0, 8.0], [0.0, 16.0]])
    assert suppress_neighbors(centers_yx, np.array([3.0, 2.0, 1.0]), 10.0).tolist() == [0, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_few(count):
    assert len(suppress_neighbors(np.zeros((count, 2)), np.ones(count), 5.0)) == count


@pytest.mark.parametrize("count", [0, 1, 2, 40, AT_ONCE + 3])
def test_distance_to_the_nearest_other(count):
    centers_yx = np.random.default_rng(5).random((count, 2)) * 100
    found = nearest_distances(centers_yx)
    for row in range(count):
        others = np.delete(centers_yx, row, axis=0)
        away = [np.hypot(*(centers_yx[row] - other)) for other in others]
        np.testing.assert_allclose(found[row], min(away, default=np.nan))
