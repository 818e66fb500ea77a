# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.screening import combine

UNKNOWN = np.full(4000, np.nan)


def draw(share, count=4000, seed=0):
    """Evidence of boxes (log odds, normal: calibrated), scores of a picker, and the truth."""
    random = np.random.default_rng(seed)
    is_particle = random.random(count) < share
    evidence = np.where(is_particle, 1.5, -1.5) + np.sqrt(3) * random.normal(size=count)
    scores = np.where(is_particle, 1.0, -1.0) + 1.5 * random.normal(size=count)
    return 1 / (1 + np.exp(-evidence)), scores, is_particle


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_of_particles_is_halfway_to_what_is_found(share):
    boxes, _, _ = draw(share)

    def posterior(prior):
        """By Bayes' rule."""
        odds = boxes / (1 - boxes) * prior / (1 - prior)
        return odds / (1 + odds)

    trials = np.linspace(0.01, 0.99, 9801)
    prior = min(trials, key=lambda p: abs((posterior(p).mean() + 0.5) / 2 - p))
    assert abs(prior - (share + 0.5) / 2) < 0.08
    found = combine(boxes, UNKNOWN, np.full(len(boxes), np.nan))
    assert found == pytest.approx(posterior(prior), abs=1e-3)
    assert (np.diff(found[np.argsort(boxes)]) >= 0).all()


def test_scores_help_whatever_their_scale():
    boxes, scores, is_particle = draw(0.4)

    def right(values):
        return np.mean((values > 0.5) == is_particle)

    alone = combine(boxes, UNKNOWN, np.full(len(boxes), np.nan))
    both = combine(boxes, UNKNOWN, scores)
    assert right(both) > right(alone) + 0.005
    assert combine(boxes, UNKNOWN, 1000 * scores + 7) == pytest.approx(both, abs=1e-3)
    shares = 1 / (1 + np.exp(-scores))
    assert combine(boxes, UNKNOWN, shares) == pytest.approx(both, abs=1e-3)


def test_scores_that_fall_for_particles_are_left_out():
    boxes, scores, _ = draw(0.4)
    alone = combine(boxes, UNKNOWN, np.full(len(boxes), np.nan))
    assert combine(boxes, UNKNOWN, -scores) == pytest.approx(alone, abs=1e-3)


def test_some_scores_may_be_missing():
    boxes, scores, _ = draw(0.4)
    scores[::2] = np.nan
    assert np.isfinite(combine(boxes, UNKNOWN, scores)).all()
    few = combine(boxes[:5], UNKNOWN[:5], scores[:5])
    assert few == pytest.approx(combine(boxes[:5], UNKNOWN[:5], np.full(5, np.nan)))
    assert len(combine(np.empty(0), np.empty(0), np.empty(0))) == 0


def test_extreme_boxes_are_finite():
    found = combine(np.array([0.0, 1.0, 1.0]), UNKNOWN[:3], np.array([0.0, 1.0, np.nan]))
    assert np.isfinite(found).all()
    assert found[0] < 0.01 < 0.99 < found[1]


def test_a_picking_model_has_its_say():
    boxes, scores, is_particle = draw(0.4)
    said = 1 / (1 + np.exp(-scores))
    alone = combine(boxes, UNKNOWN, UNKNOWN)
    both = combine(boxes, said, UNKNOWN)
    assert np.mean((both > 0.5) == is_particle) > np.mean((alone > 0.5) == is_particle) + 0.015
    undecided = np.full(len(boxes), 0.5)
    assert combine(boxes, undecided, UNKNOWN) == pytest.approx(alone)
