# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances of picks against SciPy's of all pairs, and against places that are drawn at random."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from cryosegment.core.survey.arrangement import (
    arrange,
    pair_correlation,
    random_discs,
    share_within,
    spanned,
)
from cryosegment.exchange.coordinates import Coordinates

SIZE = (300.0, 500.0)


def places(count, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (count, 2)) * SIZE


def test_the_chance_that_two_places_are_near_is_that_of_drawn_ones():
    random = np.random.default_rng(1)
    first, second = (random.uniform(0, 1, (200_000, 2)) * SIZE for _ in range(2))
    apart = np.linalg.norm(first - second, axis=1)
    distances = np.array([0.0, 30.0, 100.0, 200.0, 300.0])
    drawn = [(apart <= distance).mean() for distance in distances]
    np.testing.assert_allclose(share_within(distances, SIZE), drawn, atol=0.004)


def test_pairs_are_those_of_all_distances():
    points, edges = [places(40, 1), places(25, 2), places(1)], np.arange(0, 301, 50.0)
    found = pair_correlation(points, [SIZE] * 3, edges)
    counts = sum(np.histogram(pdist(own), edges)[0] for own in points[:2])
    pairs = 40 * 39 / 2 + 25 * 24 / 2
    np.testing.assert_allclose(found, counts / (pairs * np.diff(share_within(edges, SIZE))))


def test_distances_beyond_a_field_do_not_count_in_it():
    edges = np.array([0.0, 200.0, 400.0])
    small, large = places(30), 10 * places(30)
    both = pair_correlation([small, large], [SIZE, (3000.0, 5000.0)], edges)
    alone = pair_correlation([large], [(3000.0, 5000.0)], edges)
    assert both[1] == alone[1]
    assert np.isnan(pair_correlation([small], [SIZE], edges)[1])


def test_discs_do_not_overlap_and_are_as_many_as_wished():
    discs = random_discs(60, SIZE, 20.0, np.random.default_rng(0))
    assert discs.shape == (60, 2)
    assert pdist(discs).min() >= 20
    assert (discs >= 0).all()
    assert (discs <= SIZE).all()


def test_where_there_is_no_room_there_are_fewer_discs():
    discs = random_discs(100, SIZE, 100.0, np.random.default_rng(0))
    assert 10 < len(discs) < 30


def test_figures_of_neighbours_are_those_of_all_distances():
    points = [places(80, 3), places(60, 4)]
    found = arrange(points, [SIZE] * 2, diameter=40.0)
    nearest = np.concatenate(
        [np.where(np.eye(len(own)) > 0, np.inf, squareform(pdist(own))).min(1) for own in points]
    )
    assert found.nearest == pytest.approx(np.median(nearest))
    assert found.overlapping == (nearest < 20).mean()
    assert found.disc_diameter == pytest.approx(np.quantile(nearest, 0.01))
    assert found.edges[[0, -1]].tolist() == pytest.approx([0, 160])


def test_discs_are_like_picks_that_do_not_overlap_and_unlike_pairs():
    random = np.random.default_rng(5)
    apart = [random_discs(100, SIZE, 15.0, random) for _ in range(50)]
    close = [np.concatenate([own[:50], own[:50] + np.array([0, 7])]) for own in apart]
    far = arrange(apart, [SIZE] * 50, diameter=15.0)
    near = arrange(close, [SIZE] * 50, diameter=15.0)
    assert np.abs(far.pairs[12:] - far.disc_pairs[12:]).max() < 0.2
    assert far.pairs[:9].max() == far.disc_pairs[:9].max() == 0
    assert near.pairs[4] > 10 * near.disc_pairs[4]  # at 7 of 15, each has its twin


def test_few_picks_have_no_neighbours():
    found = arrange([np.empty((0, 2)), places(1)], [SIZE] * 2, diameter=40.0)
    assert np.isnan(found.nearest)
    assert np.isnan(found.pairs).all()
    assert found.overlapping == 0


def test_the_field_is_what_the_picks_span():
    corner, size = spanned(
        [Coordinates([[1, 2], [5, 9]], 2.0, "a"), Coordinates([[3, 20]], 2.0, "b")]
    )
    assert corner.tolist() == [[2, 4]]
    assert size.tolist() == [8, 36]
    assert spanned([])[1].tolist() == [0, 0]
