# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching against trying every assignment, and against SciPy's dense solver."""

import time
from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cryosegment.core.evaluation.matching import match, ranked_hits


def by_trying_all(picks_yx, reference_yx, tolerance):
    """(number of pairs, total distance) of the best of all one-to-one assignments."""
    few, many = sorted((picks_yx, reference_yx), key=len)
    best = (0, 0.0)
    for order in permutations(range(len(many)), len(few)):
        distances = np.linalg.norm(few - many[list(order)], axis=1)
        near = distances[distances <= tolerance]
        best = max(best, (len(near), -near.sum()))
    return best[0], -best[1]


def by_dense_assignment(picks_yx, reference_yx, tolerance):
    distances = np.linalg.norm(picks_yx[:, None] - reference_yx[None], axis=2)
    costs = np.where(distances <= tolerance, distances, 1e6)
    chosen = distances[linear_sum_assignment(costs)]
    chosen = chosen[chosen <= tolerance]
    return len(chosen), chosen.sum()


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("counts", [(4, 6), (6, 4), (5, 5), (1, 3)])
def test_best_of_all_assignments(seed, counts):
    rng = np.random.default_rng(seed)
    picks_yx, reference_yx = (rng.random((count, 2)) * 10 for count in counts)
    matching = match(picks_yx, reference_yx, 3.0)
    number, total = by_trying_all(picks_yx, reference_yx, 3.0)
    assert len(matching) == number
    assert matching.distances.sum() == pytest.approx(total)


@pytest.mark.parametrize("tolerance", [5.0, 27.0, 60.0])
def test_same_as_dense_assignment(tolerance):
    rng = np.random.default_rng(5)
    reference_yx = rng.random((400, 2)) * 1000
    picks_yx = np.concatenate(
        [reference_yx[:350] + rng.normal(size=(350, 2)) * 15, rng.random((100, 2)) * 1000]
    )
    matching = match(picks_yx, reference_yx, tolerance)
    number, total = by_dense_assignment(picks_yx, reference_yx, tolerance)
    assert len(matching) == number
    assert matching.distances.sum() == pytest.approx(total)
    assert len(set(matching.picks)) == len(set(matching.reference)) == number
    apart = np.linalg.norm(picks_yx[matching.picks] - reference_yx[matching.reference], axis=1)
    assert matching.distances == pytest.approx(apart)
    assert apart.max() <= tolerance


def test_two_pairs_come_before_one_near_pair():
    picks_yx = np.array([[0.0, 0.0], [0.0, 4.0]])
    reference_yx = np.array([[0.0, 3.9], [0.0, 8.0]])
    matching = match(picks_yx, reference_yx, 4.0)
    assert dict(zip(matching.picks.tolist(), matching.reference.tolist())) == {0: 0, 1: 1}


def test_tolerance_is_inclusive_and_exact_hits_count():
    picks_yx, reference_yx = np.zeros((1, 2)), np.array([[3.0, 4.0]])
    assert len(match(picks_yx, reference_yx, 5.0)) == 1
    assert len(match(picks_yx, reference_yx, 4.99)) == 0
    assert match(picks_yx, picks_yx, 5.0).distances.tolist() == [0.0]


@pytest.mark.parametrize("counts", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match(counts):
    picks_yx, reference_yx = (np.zeros((count, 2)) for count in counts)
    assert len(match(picks_yx, reference_yx, 5.0)) == 0
    assert ranked_hits(picks_yx, reference_yx, np.ones(counts[0]), 5.0).sum() == 0


@pytest.mark.parametrize("seed", range(5))
def test_hits_of_the_best_picks_are_what_matching_them_alone_finds(seed):
    rng = np.random.default_rng(seed)
    reference_yx = rng.random((40, 2)) * 60
    picks_yx, scores = rng.random((60, 2)) * 60, np.round(rng.random(60), 2)
    hits = ranked_hits(picks_yx, reference_yx, scores, 8.0)
    for threshold in np.unique(scores):
        above = scores >= threshold
        expected, _ = by_dense_assignment(picks_yx[above], reference_yx, 8.0)
        assert hits[above].sum() == expected


def test_a_better_duplicate_takes_the_hit():
    picks_yx = np.array([[0.0, 0.1], [0.0, 2.0]])
    hits = ranked_hits(picks_yx, np.zeros((1, 2)), np.array([0.3, 0.9]), 5.0)
    assert hits.tolist() == [False, True]


def test_ten_thousand_points_are_quick():
    rng = np.random.default_rng(0)
    reference_yx = rng.random((10_000, 2)) * 16_000
    picks_yx = reference_yx + rng.normal(size=(10_000, 2)) * 10
    start = time.process_time()
    assert len(match(picks_yx, reference_yx, 27.0)) > 9_000
    ranked_hits(picks_yx, reference_yx, rng.random(10_000), 27.0)
    assert time.process_time() - start < 5
