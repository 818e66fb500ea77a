# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.thresholds import (
    NOTHING,
    expected,
    threshold_of_best_f1,
    threshold_of_number,
    threshold_of_precision,
)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_threshold_is_the_best_of_every_one(seed: int) -> None:
    """Brute force over all cuts, and half of the F1 that is reached."""
    probabilities = np.random.default_rng(seed).beta(0.3, 0.6, 300)

    def f1(threshold: float) -> float:
        chosen = probabilities[probabilities >= threshold]
        return 2 * chosen.sum() / (len(chosen) + probabilities.sum())

    threshold = threshold_of_best_f1(probabilities, probabilities)
    best = max(map(f1, probabilities))
    assert f1(threshold) == pytest.approx(best)
    assert threshold == pytest.approx(best / 2, abs=0.02)
    assert threshold_of_best_f1(probabilities**2, probabilities) == threshold**2


def test_the_expected_f1_is_the_true_one_of_probabilities_that_hold() -> None:
    """Where candidates are particles as often as they say, no other threshold does better."""
    random = np.random.default_rng(1)
    probabilities = random.beta(0.4, 0.8, 40_000)
    is_particle = random.random(40_000) < probabilities

    def true_f1(threshold: float) -> float:
        chosen = probabilities >= threshold
        return float(2 * is_particle[chosen].sum() / (chosen.sum() + is_particle.sum()))

    best = max(true_f1(threshold) for threshold in np.arange(0.01, 1, 0.01))
    threshold = threshold_of_best_f1(probabilities, probabilities)
    assert true_f1(threshold) == pytest.approx(best, abs=0.003)
    found = expected(probabilities, probabilities, threshold)
    chosen = probabilities >= threshold
    assert found.picks == chosen.sum()
    assert found.precision == pytest.approx(is_particle[chosen].mean(), abs=0.01)
    assert found.recall == pytest.approx(is_particle[chosen].sum() / is_particle.sum(), abs=0.01)


def test_a_wished_precision() -> None:
    probabilities = np.array([0.2, 1.0, 0.9, 0.6, 0.5])
    # of the best: 1, 0.95, 0.833, 0.75, 0.64
    scores = 2 * probabilities
    for precision, picks in ((1.0, 1), (0.95, 2), (0.9, 2), (0.8, 3), (0.7, 4), (0.5, 5)):
        threshold = threshold_of_precision(scores, probabilities, precision)
        assert (scores >= threshold).sum() == picks
    unlikely = np.array([0.5, 0.4])
    assert threshold_of_precision(unlikely, unlikely, 0.9) == NOTHING


def test_equal_probabilities_are_chosen_together() -> None:
    # with one of the two 0.5 the precision would be 0.75, with both it is 2/3
    some = np.array([0.5, 1.0, 0.5])
    assert threshold_of_precision(some, some, 0.7) == 1.0
    assert threshold_of_precision(some, some, 0.6) == 0.5


def test_a_wished_number() -> None:
    scores = np.array([0.3, 0.1, 0.8, 0.5])
    for number in range(1, 6):
        threshold = threshold_of_number(scores, number)
        assert (scores >= threshold).sum() == min(number, 4)
    equal = np.array([0.3, 0.8, 0.3, 0.1])
    assert (equal >= threshold_of_number(equal, 2)).sum() == 3


def test_nothing_to_choose_from() -> None:
    nothing = np.empty(0)
    assert threshold_of_best_f1(nothing, nothing) == NOTHING
    assert threshold_of_precision(nothing, nothing, 0.9) == NOTHING
    assert threshold_of_number(nothing, 3) == NOTHING
    found = expected(nothing, nothing, 0.5)
    assert (found.picks, found.precision, found.recall) == (0, 1.0, 1.0)


def test_recall_of_less_than_one_particle() -> None:
    """Of candidates that are half a particle together, one of the two holds half of it."""
    some = np.array([0.3, 0.2])
    assert expected(some, some, 0.25).recall == pytest.approx(0.6)
