# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks of one particle, against trying every way to share picks among particles."""

import logging
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from cryosegment.core.consensus import agreement
from cryosegment.core.consensus.agreement import disc_overlap, group_picks

RADIUS, DIAMETER = 3.0, 10.0


def crowded(seed, count=6, sets=3, side=6.0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 2)) * side, rng.integers(0, sets, count), rng.random(count)


def partitions(items):
    if not items:
        yield []
        return
    first, *others = items
    for rest in partitions(others):
        yield [[first], *rest]
        for i, group in enumerate(rest):
            yield [*rest[:i], [first, *group], *rest[i + 1 :]]


def pixels_overlap(distance):
    """Jaccard index of two discs of diameter 1, counted on a grid."""
    x, y = np.meshgrid(np.linspace(-0.5, 1.5, 2001), np.linspace(-0.5, 0.5, 1001))
    one, two = (np.hypot(x - at, y) < 0.5 for at in (0, distance))
    return (one & two).sum() / (one | two).sum()


def by_trying_all(centers_yx, sets, scores):
    """The groups of the way with most pairs and, of these, the highest weight of REPIC."""
    apart = np.linalg.norm(centers_yx[:, None] - centers_yx[None], axis=2)

    overlaps = disc_overlap(apart.ravel() / DIAMETER).reshape(apart.shape)

    def may_be_one(group):
        pairs = list(combinations(group, 2))
        return all(apart[pair] <= RADIUS and sets[pair[0]] != sets[pair[1]] for pair in pairs)

    def worth(groups):
        pairs, weight = 0, 0.0
        for group in groups:
            if len(group) > 1:
                own = [overlaps[pair] for pair in combinations(group, 2)]
                pairs += len(own)
                weight += fmean(own) * fmean(scores[group].tolist())
        return pairs, weight

    ways = partitions(range(len(centers_yx)))
    best = max((way for way in ways if all(map(may_be_one, way))), key=worth)
    return as_sets(best)


def as_sets(groups):
    return {frozenset(group) for group in groups}


def grouped(centers_yx, sets, scores):
    groups = group_picks(centers_yx, sets, scores, RADIUS, DIAMETER)
    return as_sets(np.flatnonzero(groups == group).tolist() for group in set(groups.tolist()))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("sets", [2, 3, 4])
def test_best_of_all_ways(seed, sets):
    picks = crowded(seed, sets=sets)
    assert grouped(*picks) == by_trying_all(*picks)


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_picks_and_sets_means_nothing(seed):
    centers_yx, sets, scores = crowded(seed, 200, 5, 40.0)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(200), rng.permutation(5)
    shuffled = grouped(centers_yx[order], names[sets[order]], scores[order])
    assert as_sets(order[list(group)].tolist() for group in shuffled) == grouped(
        centers_yx, sets, scores
    )


def test_ties_are_settled_in_any_order_alike():
    """A pick in the middle of two of another set, which are as near and as good."""
    places = np.array([[0.0, 2.0 * i + 100 * (i // 3)] for i in range(9)])
    sets, scores = np.array([0, 1, 0] * 3), np.full(9, 0.5)
    first = grouped(places, sets, scores)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(9)
        other = grouped(places[order], sets[order], scores[order])
        assert as_sets(order[list(group)].tolist() for group in other) == first


@pytest.mark.parametrize("sets", [1, 2, 5])
def test_copies_of_a_set_are_that_set(sets):
    """Although its own picks are within the radius of each other."""
    centers_yx, _, scores = crowded(0, 60, side=20.0)
    copies = np.tile(centers_yx, (sets, 1)), np.repeat(np.arange(sets), 60), np.tile(scores, sets)
    groups = group_picks(*copies, RADIUS, DIAMETER)
    assert (groups.reshape(sets, 60) == groups[:60]).all()
    assert len(set(groups.tolist())) == 60


@pytest.mark.parametrize("seed", range(10))
def test_where_too_many_particles_are_possible_the_nearest_are_joined(seed, monkeypatch, caplog):
    monkeypatch.setattr(agreement, "MOST_CLIQUES", 0)
    centers_yx, sets, scores = crowded(seed, 30, 4, 12.0)
    with caplog.at_level(logging.WARNING):
        found = grouped(centers_yx, sets, scores)
    assert "smaller radius" in caplog.text
    apart = np.linalg.norm(centers_yx[:, None] - centers_yx[None], axis=2)

    def may_be_one(group):
        pairs = combinations(sorted(group), 2)
        return all(apart[pair] <= RADIUS and sets[pair[0]] != sets[pair[1]] for pair in pairs)

    assert sorted(pick for group in found for pick in group) == list(range(30))
    assert all(map(may_be_one, found))
    assert not any(may_be_one(one | two) for one, two in combinations(found, 2))
    pairs = [pair for pair in combinations(range(30), 2) if may_be_one(pair)]
    nearest = min(pairs, key=lambda pair: apart[pair])
    assert any(set(nearest) <= group for group in found)


@pytest.mark.parametrize("distance", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0, 1.4])
def test_overlap_of_discs(distance):
    assert disc_overlap(np.array([distance]))[0] == pytest.approx(
        pixels_overlap(distance), abs=2e-3
    )


def test_no_picks():
    nothing = np.empty(0)
    groups = group_picks(nothing.reshape(0, 2), nothing.astype(int), nothing, 1.0, 1.0)
    assert groups.tolist() == []
