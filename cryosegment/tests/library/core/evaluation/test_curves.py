# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves against matching anew at every threshold."""

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cryosegment.core.evaluation.curves import POINTS, average_precision, f1_score, rank
from cryosegment.core.evaluation.matching import ranked_hits

TOLERANCE = 8.0


def by_matching_anew(picks_yx, reference_yx, scores):
    """Thresholds, numbers of pairs by dense assignment, and numbers of picks."""
    thresholds = sorted(set(scores.tolist()), reverse=True)
    pairs, picked = [], []
    for threshold in thresholds:
        chosen = picks_yx[scores >= threshold]
        apart = np.linalg.norm(chosen[:, None] - reference_yx[None], axis=2)
        costs = np.where(apart <= TOLERANCE, apart, 1e6)
        pairs.append(int((costs[linear_sum_assignment(costs)] < 1e6).sum()))
        picked.append(len(chosen))
    return thresholds, np.array(pairs), np.array(picked)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("digits", [1, 6])
def test_every_point_average_precision_and_best_f1(seed, digits):
    random = np.random.default_rng(seed)
    reference_yx, picks_yx = random.random((40, 2)) * 70, random.random((60, 2)) * 70
    scores = np.round(random.random(60), digits)
    counts = rank(scores, ranked_hits(picks_yx, reference_yx, scores, TOLERANCE), 40)
    thresholds, pairs, picked = by_matching_anew(picks_yx, reference_yx, scores)
    assert counts.thresholds.tolist() == thresholds
    assert counts.found.tolist() == pairs.tolist()
    assert counts.picked.tolist() == picked.tolist()
    area, before = 0.0, 0
    for found, number in zip(pairs, picked):
        area += (found - before) / 40 * found / number
        before = found
    assert counts.average_precision == pytest.approx(area)
    f1 = [2 * found / (number + 40) for found, number in zip(pairs, picked)]
    assert counts.best == (pytest.approx(max(f1)), thresholds[int(np.argmax(f1))])
    assert counts.curve().f1 == pytest.approx(f1, abs=1e-6)


def test_a_long_curve_keeps_its_ends_and_its_best():
    random = np.random.default_rng(0)
    scores = random.random(20_000)
    counts = rank(scores, random.random(20_000) < scores, 12_000)
    curve = counts.curve()
    assert POINTS - 1 <= len(curve.f1) <= POINTS + 1
    assert (curve.thresholds[0], curve.thresholds[-1]) == pytest.approx(
        (scores.max(), scores.min()), abs=1e-6
    )
    assert max(curve.f1) == pytest.approx(counts.best[0], abs=1e-6)
    steps = np.diff(np.linspace(0, 20_000, POINTS)).max()
    assert np.diff(curve.recall).max() <= (steps + 1) / 12_000 + 1e-6


def test_f_beta_is_the_weighted_harmonic_mean():
    found, picked, reference = np.array([6.0]), np.array([10.0]), np.array([8.0])
    precision, recall = 6 / 10, 6 / 8
    for beta in (0.5, 1.0, 2.0):
        expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
        assert f1_score(found, picked, reference, beta)[0] == pytest.approx(expected)


def test_nothing_to_find_and_nothing_picked():
    nothing = np.empty(0)
    assert average_precision(nothing, nothing, 3) == 0
    assert math.isnan(average_precision(np.array([0.0]), np.array([1.0]), 0))
    assert all(map(math.isnan, rank(nothing, nothing.astype(bool), 3).best))
    assert all(map(math.isnan, rank(np.ones(1), np.zeros(1, bool), 0).best))
