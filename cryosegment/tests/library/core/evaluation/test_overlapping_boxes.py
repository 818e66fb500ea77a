# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes against counts of their pixels, and box figures against trying all assignments."""

from itertools import permutations

import numpy as np
import pytest

from cryosegment.core.evaluation.matching import best_pairs, overlapping
from cryosegment.core.evaluation.metrics import score
from cryosegment.core.evaluation.rules import OVERLAPS, Rules
from cryosegment.exchange.coordinates import Coordinates

SIDE = 8


def pixels(center):
    """Pixels of the box around a center on whole pixels."""
    return {(center[0] + i, center[1] + j) for i in range(SIDE) for j in range(SIDE)}


def overlap(one, two):
    a, b = pixels(one), pixels(two)
    return len(a & b) / len(a | b)


@pytest.mark.parametrize("seed", range(10))
def test_overlaps_are_those_of_the_pixels(seed):
    random = np.random.default_rng(seed)
    picks, reference = random.integers(0, 30, (2, 12, 2))
    pairs = overlapping(picks.astype(float), reference.astype(float), SIDE, 0.2)
    found = {(i, j): 1 - cost for i, j, cost in zip(pairs.picks, pairs.reference, pairs.costs)}
    expected = {(i, j): overlap(picks[i], reference[j]) for i in range(12) for j in range(12)}
    assert found == {
        key: pytest.approx(value) for key, value in expected.items() if value >= 0.2 - 1e-12
    }


@pytest.mark.parametrize("seed", range(10))
def test_pairs_are_as_many_as_possible_and_overlap_the_most(seed):
    random = np.random.default_rng(seed)
    picks, reference = random.integers(0, 16, (2, 5, 2))
    rows, columns = best_pairs(overlapping(picks.astype(float), reference.astype(float), SIDE, 0.3))
    table = np.array([[overlap(a, b) for b in reference] for a in picks])
    table[table < 0.3] = 0
    every = [table[range(5), list(order)] for order in permutations(range(5))]
    best = max(((values > 0).sum(), values.sum()) for values in every)
    assert (len(rows), table[rows, columns].sum()) == (best[0], pytest.approx(best[1]))


@pytest.mark.parametrize("seed", range(5))
def test_mean_average_precision_with_equal_scores_is_precision_times_recall(seed):
    """Of one threshold alone, as of scores that are all 1."""
    random = np.random.default_rng(seed)
    picks, reference = random.integers(0, 60, (2, 12, 2))
    rules = Rules(10.0, 2.5, float(SIDE), box_map=True)
    sets = [{"a": Coordinates(some, 1.0, "a")} for some in (picks, reference[:9])]
    boxes = score("", *sets, rules).evaluation.boxes
    table = np.array([[overlap(a, b) for b in reference[:9]] for a in picks])
    areas = []
    for i, least in enumerate(OVERLAPS):
        # above a half, which boxes of one size share with one other only, but for ties
        pairs = int((table >= least - 1e-12).any(axis=0).sum())
        areas.append(pairs / 12 * pairs / 9)
        assert boxes.recall[i] == pytest.approx(pairs / 9)
    assert boxes.average_precision == pytest.approx(areas)
    assert boxes.mean_average_precision == pytest.approx(np.mean(areas))


def test_picks_may_match_by_their_boxes():
    picks = {"a": Coordinates([[0, 0], [50, 50]], 2.0, "a")}
    reference = {"a": Coordinates([[0, 4], [50, 58]], 2.0, "a")}  # 8 Å and 16 Å away
    rules = Rules(40.0, 1.0, 40.0, by_boxes=True, overlap=0.5)  # 32 of 48, 24 of 56
    total = score("", picks, reference, rules).evaluation.overall
    assert (total.true_positives, total.center_error_mean) == (1, pytest.approx(8.0))
