# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks, duplicates, further distances and ignored regions, on layouts made by hand."""

import math

import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import score
from cryosegment.core.evaluation.rules import Ignored, Rules
from cryosegment.exchange.coordinates import Coordinates

SIZE = 2.0
RULES = Rules(40.0, 10.0, 40.0)  # 5 px


def evaluate(centers, particles, rules=RULES, ignored=None, scores=()):
    picks = {"m": Coordinates(np.array(centers, float), SIZE, "m", scores)}
    reference = {"m": Coordinates(np.array(particles, float), SIZE, "m")}
    regions = {} if ignored is None else {"ignored": lambda name: ignored}
    return score("", picks, reference, rules, **regions).evaluation


def test_marks_follow_the_files():
    found = evaluate(
        [(0, 4), (50, 50), (0, 1), (0, 104)], [(0, 100), (0, 0), (200, 200)], scores=[4, 3, 2, 1]
    )
    (row,) = found.micrographs
    assert row.pick_marks == "+-=+"  # of two on one particle the one with the higher score
    assert row.reference_marks == "++-"
    assert row.duplicates == found.overall.duplicates == 1
    # the nearer of the two is taken for centring
    assert row.center_error_mean == pytest.approx(SIZE * (1 + 4) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_duplicates_are_wrong_picks_within_reach_of_a_particle(seed):
    random = np.random.default_rng(seed)
    centers, particles = random.random((60, 2)) * 80, random.random((20, 2)) * 80
    found = evaluate(centers, particles).overall
    apart = np.linalg.norm(centers[:, None] - particles[None], axis=2)
    near = int((apart.min(axis=1) <= 5).sum())
    assert found.duplicates == near - found.true_positives


@pytest.mark.parametrize("distance", [4.0, 10.0, 30.0])
def test_a_further_distance_is_as_if_it_were_the_only_one(distance):
    random = np.random.default_rng(0)
    centers, particles = random.random((60, 2)) * 80, random.random((40, 2)) * 80
    scores = random.random(60)
    rules = Rules(40.0, 10.0, 40.0, distances=(4.0, 10.0, 30.0), beta=2.0)
    rows = evaluate(centers, particles, rules, scores=scores).distances
    (row,) = [row for row in rows if row.distance == distance]
    alone = evaluate(centers, particles, Rules(40.0, distance, 40.0, beta=2.0), scores=scores)
    for name in ("precision", "recall", "f1", "f_beta", "average_precision"):
        assert getattr(row, name) == pytest.approx(getattr(alone.overall, name))


def test_the_size_of_count_errors_is_averaged():
    reference = {name: Coordinates(np.zeros((4, 2)), SIZE, name) for name in ("a", "b")}
    picks = {
        "a": Coordinates(np.zeros((2, 2)), SIZE, "a"),
        "b": Coordinates(np.zeros((8, 2)), SIZE, "b"),
    }
    found = score("", picks, reference, RULES).evaluation
    assert found.overall.count_error == pytest.approx(2 / 8)
    assert found.mean_count_error == pytest.approx((0.5 + 1.0) / 2)


def test_quantiles_of_the_centring_errors():
    found = evaluate([(0, 1), (0, 103)], [(0, 0), (0, 100)])
    assert len(found.center_errors) == 101
    assert found.center_errors[::50] == pytest.approx((2.0, 4.0, 6.0))
    assert evaluate([(0, 50)], [(0, 0)]).center_errors == ()


def test_nothing_counts_in_a_margin():
    """Nor does a pick on a particle there; one that is there, but on a particle outside, does."""
    centers = [(2, 50), (50, 50), (11, 80), (8, 20)]
    particles = [(3, 52), (50, 52), (9, 80), (12, 20)]
    (row,) = evaluate(centers, particles, ignored=Ignored(20.0, (100, 100))).micrographs
    assert (row.pick_marks, row.reference_marks) == (".+.+", ".+.+")
    assert (row.picks, row.reference, row.f1, row.duplicates) == (2, 2, 1.0, 0)


def test_the_margin_is_at_every_side():
    ignored = Ignored(20.0, (100, 60))
    centers = np.array([[9.0, 30], [90, 30], [50, 9], [50, 50], [10, 10], [89, 49]])
    assert ignored.holds(centers, SIZE).tolist() == [True] * 4 + [False] * 2
    pixels = ignored.pixels((100, 60), SIZE)
    rows, columns = centers.astype(int).T
    assert pixels[rows, columns].tolist() == [True] * 4 + [False] * 2
    assert (~pixels).sum() == 80 * 40


def test_nothing_counts_in_a_region():
    region = np.zeros((100, 100), bool)
    region[:, 50:] = True
    centers, particles = [(10, 10), (10, 70), (90, 90)], [(10, 12), (10, 72), (30, 30)]
    (row,) = evaluate(centers, particles, ignored=Ignored(region=region)).micrographs
    assert (row.pick_marks, row.reference_marks) == ("+..", "+.-")
    assert np.array_equal(Ignored(region=region).pixels((100, 100), SIZE), region)


def test_a_micrograph_that_does_not_count_at_all():
    region = np.ones((100, 100), bool)
    found = evaluate([(10, 10)], [(10, 12)], ignored=Ignored(region=region)).overall
    assert (found.picks, found.reference) == (0, 0)
    assert math.isnan(found.f1)


def test_calibration_is_the_mean_distance_over_ten_bins():
    random = np.random.default_rng(0)
    scores = np.append(random.random(80), [0.0, 1.0])
    is_right = random.random(82) < scores**2
    particles = np.arange(82)[:, None] * np.array([100.0, 0])
    centers = particles + np.where(is_right, 0, 50)[:, None]
    found = evaluate(centers, particles, scores=scores)
    error = 0.0
    for low in np.arange(0, 1, 0.1):
        here = (scores >= low - 1e-12) & (scores < low + 0.1 - 1e-12) | (low > 0.85) & (scores == 1)
        if here.any():
            error += abs(is_right[here].mean() - scores[here].mean()) * here.sum() / 82
    assert found.overall.calibration_error == pytest.approx(error)
    assert sum(row.picks for row in found.reliability) == 82
    row = found.reliability[3]
    here = (scores >= row.low) & (scores < row.high)
    assert (row.picks, row.precision) == (here.sum(), pytest.approx(is_right[here].mean()))


@pytest.mark.parametrize("scores", [(), [-0.1, 0.5], [0.5, 1.1], [0.5, math.nan]])
def test_scores_that_are_no_probabilities_are_not_calibrated(scores):
    found = evaluate([(0, 0), (50, 0)], [(0, 0)], scores=scores)
    assert math.isnan(found.overall.calibration_error)
    assert found.reliability == ()
