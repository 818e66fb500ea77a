# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures against counts made by hand, and against published picks of real particles."""

import math

import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError

PIXEL_SIZE = 2.0
DIAMETER = 40.0  # 20 px; a quarter is 5 px


def coordinates(points_yx, name="one", scores=(), pixel_size=PIXEL_SIZE):
    return Coordinates(
        np.array(points_yx, float).reshape(-1, 2), pixel_size, name, np.array(scores)
    )


PARTICLES = [(0, 0), (0, 100), (0, 200), (0, 300)]
# Ranked: right, wrong, right, duplicate, right; the particle at 300 is missed.
PICKS = [(3, 4), (50, 50), (0, 100), (0, 101), (0, 204)]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]


@pytest.fixture
def by_hand():
    return evaluate(
        {"one": coordinates(PICKS, scores=SCORES)}, {"one": coordinates(PARTICLES)}, DIAMETER
    )


def test_counts(by_hand):
    overall = by_hand.overall
    assert (overall.picks, overall.reference, overall.true_positives) == (5, 4, 3)
    assert (overall.false_positives, overall.false_negatives) == (2, 1)
    assert overall.precision == pytest.approx(3 / 5)
    assert overall.recall == pytest.approx(3 / 4)
    assert overall.f1 == pytest.approx(6 / 9)
    assert overall.count_error == pytest.approx(1 / 4)


def test_average_precision_is_the_sum_over_recall_steps(by_hand):
    assert by_hand.overall.average_precision == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 4)


def test_best_threshold_is_one_of_the_scores(by_hand):
    # F1 of the best 1 to 5 picks: 2/5, 2/6, 4/7, 4/8, 6/9.
    assert by_hand.overall.best_f1 == pytest.approx(6 / 9)
    assert by_hand.overall.best_threshold == 0.5


def test_picks_without_scores_have_no_best_threshold():
    plain = {"one": coordinates(PICKS)}
    result = evaluate(plain, {"one": coordinates(PARTICLES)}, DIAMETER)
    assert result.overall.best_f1 == result.overall.f1
    assert math.isnan(result.overall.best_threshold)


def test_centring_error_is_in_angstrom(by_hand):
    distances = [5.0, 0.0, 4.0]
    assert by_hand.overall.center_error_mean == pytest.approx(2 * np.mean(distances))
    assert by_hand.overall.center_error_median == pytest.approx(2 * np.median(distances))


def test_curve_has_a_point_for_each_score():
    scores = [0.9, 0.5, 0.5, 0.5, 0.2]
    result = evaluate(
        {"one": coordinates(PICKS, scores=scores)}, {"one": coordinates(PARTICLES)}, DIAMETER
    )
    assert result.curve.thresholds == (0.9, 0.5, 0.2)
    assert result.curve.precision == pytest.approx([1, 2 / 4, 3 / 5])
    assert result.curve.recall == pytest.approx([1 / 4, 2 / 4, 3 / 4])
    assert result.curve.f1 == pytest.approx([2 / 5, 4 / 8, 6 / 9], abs=1e-6)
    expected = 1 / 4 + 1 / 4 * 2 / 4 + 1 / 4 * 3 / 5
    assert result.overall.average_precision == pytest.approx(expected)


def test_micrographs_are_ranked_in_one_list_and_counts_add():
    picks = {
        "one": coordinates([(0, 0), (50, 50)], "one", [0.9, 0.1]),
        "two": coordinates([(0, 0), (50, 50)], "two", [0.2, 0.8]),
    }
    reference = {name: coordinates([(0, 0)], name) for name in picks}
    result = evaluate(picks, reference, DIAMETER)
    assert [m.average_precision for m in result.micrographs] == pytest.approx([1.0, 0.5])
    assert result.overall.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert result.overall.true_positives == 2
    assert [m.name for m in result.micrographs] == ["one", "two"]


def test_micrographs_without_picks_are_misses_and_those_without_reference_do_not_count():
    picks = {"one": coordinates([(0, 0)]), "extra": coordinates([(0, 0)], "extra")}
    reference = {
        "one": coordinates([(0, 0)]),
        "two": coordinates([(0, 0), (0, 50)], "two"),
    }
    result = evaluate(picks, reference, DIAMETER)
    assert result.unpicked == ("two",)
    assert result.unreferenced == ("extra",)
    assert (result.overall.picks, result.overall.reference) == (1, 3)
    assert result.overall.recall == pytest.approx(1 / 3)
    two = result.micrographs[1]
    assert (two.recall, two.f1, two.average_precision) == (0.0, 0.0, 0.0)
    assert math.isnan(two.precision)
    assert math.isnan(two.best_threshold)
    assert math.isnan(two.center_error_mean)


def test_micrographs_of_cryosparc_are_those_without_its_number():
    reference = {"m": coordinates([(0, 0), (0, 50)], "m")}
    result = evaluate({"0012_m": coordinates([(0, 0)], "0012_m")}, reference, DIAMETER)
    assert (result.overall.picks, result.overall.recall) == (1, 0.5)
    assert (result.unpicked, result.unreferenced) == ((), ())
    picks = {name: coordinates([(0, 0)], name) for name in ("0012_m", "0013_m")}
    with pytest.raises(InputError, match="micrograph m is given twice"):
        evaluate(picks, reference, DIAMETER)


def test_an_empty_reference_makes_every_pick_wrong():
    reference = {"one": coordinates([]), "two": coordinates([(0, 0)], "two")}
    picks = {"one": coordinates([(0, 0)]), "two": coordinates([(0, 0)], "two")}
    result = evaluate(picks, reference, DIAMETER)
    assert result.overall.precision == 0.5
    assert math.isnan(result.micrographs[0].recall)
    assert math.isnan(result.micrographs[0].average_precision)


def test_pixel_sizes_may_differ():
    picks = {"one": coordinates([(0, 50), (0, 100)], pixel_size=4.0)}
    result = evaluate(picks, {"one": coordinates(PARTICLES)}, DIAMETER)
    assert result.overall.true_positives == 2
    assert result.overall.center_error_mean == pytest.approx(0.0)


def test_tolerance_is_in_diameters():
    picks, reference = {"one": coordinates([(0, 6)])}, {"one": coordinates([(0, 0)])}
    assert evaluate(picks, reference, DIAMETER, 0.25).overall.true_positives == 0
    assert evaluate(picks, reference, DIAMETER, 0.3).overall.true_positives == 1


def test_no_picks_at_all():
    result = evaluate({}, {"one": coordinates(PARTICLES)}, DIAMETER)
    assert (result.overall.recall, result.overall.false_negatives) == (0.0, 4)
    assert result.unpicked == ("one",)


def test_empty_reference_set_is_an_error():
    with pytest.raises(InputError, match="names no micrograph"):
        evaluate({"one": coordinates(PICKS)}, {}, DIAMETER)


def test_sets_of_other_micrographs_are_an_error():
    with pytest.raises(InputError, match=r"no micrograph is in both sets.*'one'.*'two'"):
        evaluate({"one": coordinates(PICKS)}, {"two": coordinates(PARTICLES, "two")}, DIAMETER)


@pytest.mark.parametrize(("picker", "f1"), [("crYOLO", 0.898), ("topaz", 0.759)])
def test_published_picks_of_real_particles(shared_data, picker, f1):
    folder = shared_data / "empiar10017"
    picks = read_coordinates(folder / "other_pickers" / picker, 1.77)
    reference = read_coordinates(folder / "coordinates", 1.77)
    result = evaluate(picks, {name: reference[name] for name in picks}, 191.0)
    assert result.overall.f1 == pytest.approx(f1, abs=0.001)
    assert result.overall.best_f1 >= result.overall.f1
    assert result.overall.center_error_mean < 15


def test_the_best_f1_of_few_hits() -> None:
    """One of four picks is right, and one of four particles found: F1 is a quarter."""
    picks = coordinates([(0, 0), (50, 50), (60, 150), (70, 250)], scores=[0.1, 0.9, 0.8, 0.7])
    found = evaluate({"one": picks}, {"one": coordinates(PARTICLES)}, DIAMETER)
    assert (found.overall.best_f1, found.overall.best_threshold) == (pytest.approx(1 / 4), 0.1)


def test_a_single_pick_counts() -> None:
    found = evaluate(
        {"one": coordinates(PARTICLES[:1], scores=[0.5])}, {"one": coordinates(PARTICLES)}, DIAMETER
    )
    assert found.overall.average_precision == pytest.approx(1 / 4)
