# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws of micrographs against evaluating each draw as a data set of its own."""

import math

import numpy as np
import pytest

from cryosegment.core.evaluation import intervals
from cryosegment.core.evaluation.intervals import differences, interval
from cryosegment.core.evaluation.metrics import score
from cryosegment.core.evaluation.rules import Rules
from cryosegment.exchange.coordinates import Coordinates

NAMES = ("a", "b", "c", "d", "e")
SAMPLES, SEED = 15, 3
RULES = Rules(20.0, 5.0, 20.0, samples=SAMPLES, seed=SEED)


def random_sets(seed, noise=3.0):
    """Picks near particles, some missing, others anywhere; more on some micrographs."""
    random, picks, reference = np.random.default_rng(seed), {}, {}
    for number, name in enumerate(NAMES):
        particles = random.random((8 + 4 * number, 2)) * 300
        near = particles[::2] + random.normal(0, noise, particles[::2].shape)
        centers = np.concatenate([near, random.random((6, 2)) * 300])
        reference[name] = Coordinates(particles, 1.0, name)
        picks[name] = Coordinates(centers, 1.0, name, random.random(len(centers)))
    return picks, reference


def drawn_anew(picks, reference):
    """Figures of each draw, with every drawn micrograph under a name of its own."""
    random = np.random.default_rng(SEED)
    times = random.multinomial(len(NAMES), np.full(len(NAMES), 1 / len(NAMES)), SAMPLES)
    rules = Rules(20.0, 5.0, 20.0)
    for row in times:
        copies = [(name, i) for name, count in zip(NAMES, row) for i in range(count)]
        sets = [
            {f"{name} {i}": own[name].renamed(f"{name} {i}") for name, i in copies if name in own}
            for own in (picks, reference)
        ]
        yield score("", *sets, rules).evaluation.overall


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_of_every_draw(seed):
    picks, reference = random_sets(seed)
    if seed == 2:
        del picks["b"]
        picks["c"] = picks["c"].select([])
    draws = score("", picks, reference, RULES).draws
    anew = list(drawn_anew(picks, reference))
    for name, values in draws.items():
        expected = [getattr(each, name) for each in anew]
        assert values == pytest.approx(expected), name
    assert len(draws) == 9


def test_many_scores_in_few_levels_change_little(monkeypatch):
    picks, reference = random_sets(0)
    exact = score("", picks, reference, RULES).draws
    monkeypatch.setattr(intervals, "LEVELS", 30)
    coarse = score("", picks, reference, RULES).draws
    assert coarse["f1"] == pytest.approx(exact["f1"])
    error = np.abs(coarse["average_precision"] - exact["average_precision"]).max()
    assert 0 < error < 0.03


def test_the_interval_is_of_the_middle():
    assert interval(np.arange(201.0)) == (5.0, 195.0)
    assert interval(np.array([math.nan, 2.0])) == (2.0, 2.0)
    assert all(map(math.isnan, interval(np.array([math.nan]))))


def test_an_interval_holds_the_figure_and_is_narrow_where_micrographs_agree():
    picks, reference = random_sets(1)
    own = score("", picks, reference, RULES).evaluation
    for name, (low, high) in own.intervals.items():
        assert low <= high, name
    same = {name: reference[name] for name in NAMES}
    assert score("", same, reference, RULES).evaluation.intervals["f1"] == (1.0, 1.0)


def test_one_micrograph_has_no_interval():
    picks, reference = random_sets(0)
    one = score("", {"a": picks["a"]}, {"a": reference["a"]}, RULES)
    assert (one.evaluation.intervals, one.draws) == ({}, {})


def test_a_difference_is_drawn_on_the_same_micrographs():
    """So that what is always better is better beyond chance."""
    picks, reference = random_sets(2, noise=1.0)
    fewer = {name: own.select(own.scores > 0.2) for name, own in picks.items()}
    rules = Rules(20.0, 5.0, 20.0, samples=200)
    both = [score("", own, reference, rules) for own in (picks, fewer)]
    overall = [each.evaluation.overall for each in both]
    found = differences(["all", "fewer"], overall, [each.draws for each in both])
    by_figure = {each.figure: each for each in found}
    ap = by_figure["average_precision"]
    assert (ap.first, ap.second) == ("all", "fewer")
    assert ap.value == pytest.approx(overall[0].average_precision - overall[1].average_precision)
    apart = both[0].draws["f1"] - both[1].draws["f1"]
    expected = np.percentile(apart, [2.5, 97.5])
    assert (by_figure["f1"].low, by_figure["f1"].high) == pytest.approx(expected)
