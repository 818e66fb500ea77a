# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of picks, counted here by hand or with SciPy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from cryosegment.core.evaluation.matching import match
from cryosegment.core.survey.picked import PickedSet
from cryosegment.core.survey.survey import by_value, survey, trend
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.pick_summary import MicrographSummary

DIAMETER, RADIUS, PIXEL_SIZE = 100.0, 25.0, 2.0
NO_CTF = ByMicrograph({})


def picked(label, seed=0, counts=(30, 10, 0), **more):
    """A set with so many picks on the micrographs m1, m2, ..."""
    random = np.random.default_rng(seed)
    picks = {
        f"m{i}": Coordinates(
            random.uniform(0, 1000, (count, 2)), PIXEL_SIZE, f"m{i}", random.random(count)
        )
        for i, count in enumerate(counts, start=1)
    }
    return PickedSet(label, picks, {}, **more)


def of(*sets, order=(), ctfs=NO_CTF):
    return survey(sets, order, ctfs, DIAMETER, RADIUS)


def test_numbers_densities_and_scores_of_each_micrograph():
    own = picked("ours")
    found = of(own)
    (figures,) = found.sets
    assert list(found.names) == ["m1", "m2", "m3"]
    assert figures.counts.tolist() == [30, 10, 0]
    assert figures.picks == 40
    every = np.concatenate([each.centers_yx for each in own.picks.values()]) * PIXEL_SIZE
    area = np.prod(np.ptp(every, axis=0)) / 1e8  # µm²
    np.testing.assert_allclose(figures.densities, np.array([30, 10, 0]) / area)
    np.testing.assert_allclose(
        figures.quartiles[0], np.percentile(own.picks["m1"].scores, (25, 50, 75))
    )
    assert np.isnan(figures.quartiles[2]).all()
    assert figures.histogram.sum() == 40
    assert found.agreement is None


def test_micrographs_of_one_shape_have_one_field():
    def summary(name, shape):
        return MicrographSummary(name, PIXEL_SIZE, shape, 0, 0.0, 0.0, 0.0)

    picks = {
        "wide": Coordinates([[0, 0], [10, 40]], PIXEL_SIZE, "wide"),
        "tall": Coordinates([[0, 0], [50, 10]], PIXEL_SIZE, "tall"),
    }
    shapes = {"wide": (20, 50), "tall": (60, 20)}
    summaries = {name: summary(name, shape) for name, shape in shapes.items()}
    (figures,) = of(PickedSet("ours", picks, {}, summaries)).sets
    areas = np.array([50 * 10, 10 * 40]) * PIXEL_SIZE**2 / 1e8
    np.testing.assert_allclose(figures.densities, 2 / areas)  # tall, then wide


def test_the_order_is_that_of_the_run_and_then_that_of_the_numbers_in_names():
    names = ["m2", "m10", "m1", "m3"]
    picks = {name: Coordinates([[1, 1]], PIXEL_SIZE, name) for name in names}
    assert list(of(PickedSet("ours", picks, {}), order=["gone", "m3"]).names) == [
        "m3",
        "m1",
        "m2",
        "m10",
    ]
    assert sorted(["a10b2", "a9", "b", "a10b1"], key=by_value) == ["a9", "a10b1", "a10b2", "b"]


def test_two_sets_agree_as_their_best_matching_does():
    one, two = picked("one", counts=(200, 50)), picked("two", 1, counts=(150, 60))
    found = of(one, two)
    pairs = sum(
        len(match(one.picks[n].centers_yx, two.picks[n].centers_yx, RADIUS / PIXEL_SIZE))
        for n in ("m1", "m2")
    )
    assert pairs > 5
    assert found.agreement.together.tolist() == [[250, pairs], [pairs, 210]]
    assert found.agreement.particles.tolist() == [460 - 2 * pairs, pairs]


def test_a_set_may_lack_a_micrograph_and_name_them_otherwise():
    one = picked("one")
    other = {"123_m1_autopick": one.picks["m1"].renamed("123_m1_autopick")}
    found = of(one, PickedSet("two", other, {"m2": "cannot be read"}))
    assert found.sets[1].counts.tolist()[0] == 30
    assert np.isnan(found.sets[1].counts[1:]).all()
    assert found.agreement.together.tolist() == [[40, 30], [30, 30]]
    assert found.failures == {"m2": "two: cannot be read"}


def test_what_is_odd_is_remarked():
    counts = (*range(50, 90), 400, 2, 0)
    own = picked("ours", counts=counts)
    doubts = MicrographSummary("m1", 2.0, (10, 10), 50, 0, 0, 0, "empty", doubts=("odd",))
    (figures,) = of(PickedSet("ours", own.picks, {}, {"m1": doubts})).sets
    assert figures.remarks == {
        "m1": ["empty", "odd"],
        "m41": ["many picks"],
        "m42": ["few picks"],
        "m43": ["no picks"],
    }


def test_defocus_and_times_are_those_of_the_micrographs():
    ctf = CtfEstimate(10_000, 14_000, 0, 300, 2.7, 0.1)
    found = of(picked("ours", times={"m2": 5.0}), ctfs=ByMicrograph({"m2": ctf}))
    assert found.defocus[1] == pytest.approx(1.2)
    assert np.isnan(found.defocus[[0, 2]]).all()
    assert found.sets[0].times[1] == 5
    assert np.isnan(found.sets[0].times[[0, 2]]).all()


def test_the_trend_is_spearmans():
    random = np.random.default_rng(0)
    along = random.integers(0, 8, 40).astype(float)
    values = along + random.normal(0, 4, 40)
    expected = spearmanr(values, along).statistic
    values, along = np.append(values, [np.nan, 3.0]), np.append(along, [1.0, np.nan])
    assert trend(values, along) == pytest.approx(expected)
    assert np.isnan(trend(np.ones(5), np.arange(5.0)))
    assert np.isnan(trend(np.arange(2.0), np.arange(2.0)))


def test_no_picks_at_all_have_figures_too():
    found = of(picked("one", counts=(0, 0)), picked("two", counts=(0, 0)))
    assert [figures.picks for figures in found.sets] == [0, 0]
    assert np.isnan(found.sets[0].densities).all()
    assert found.agreement.together.tolist() == [[0, 0], [0, 0]]
