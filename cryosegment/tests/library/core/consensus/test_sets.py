# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of picks that agree, or not; that are empty, unequal or named otherwise."""

import numpy as np
import pytest

from cryosegment.core.consensus.sets import Consensus, far_from
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError


def picks(name, *rows, pixel_size=1.0, scores=(), diameters=()):
    return {name: Coordinates(list(rows), pixel_size, name, scores, diameters=diameters)}


NOBODY = picks("a")
ONE = picks("a", (10, 10), (50, 50), (90, 90), scores=[3.0, 1.0, 2.0], diameters=[8, 9, 10])
TWO = picks("a", (12, 10), (52, 50), diameters=[10, np.nan])  # without scores


def of(*sets, name="a", pixel_size=1.0):
    return Consensus(sets, pixel_size, 20.0, 5.0).particles(name)


def test_centres_scores_sizes_and_votes():
    found = of(ONE, TWO)
    np.testing.assert_allclose(found.coordinates.centers_yx, [[11, 10], [51, 50], [90, 90]])
    # the rank in each set, from 0 where it is not in it to 1
    np.testing.assert_allclose(found.coordinates.scores, [(1 + 1) / 2, (1 / 3 + 1) / 2, 2 / 3 / 2])
    np.testing.assert_allclose(found.coordinates.diameters, [9, 9, 10])
    assert found.votes.tolist() == [2, 2, 1]
    assert found.sets == ["1+2", "1+2", "1"]
    np.testing.assert_array_equal(found.set_scores, [[3, np.nan], [1, np.nan], [2, np.nan]])


def test_pixel_sizes_may_differ():
    large = picks("a", (6, 5), (26, 25), pixel_size=2.0)
    found = of(ONE, large)
    assert found.votes.tolist() == [2, 2, 1]
    np.testing.assert_allclose(found.coordinates.centers_yx[0], (11, 10))
    coarse = of(ONE, large, pixel_size=2.0)
    np.testing.assert_allclose(coarse.coordinates.centers_yx[0], (5.5, 5))


def test_ranks_are_among_all_micrographs_of_a_set():
    both = {**picks("a", (1, 1), scores=[2.0]), **picks("b", (1, 1), (50, 1), scores=[3.0, 1.0])}
    assert of(both).coordinates.scores.tolist() == pytest.approx([2 / 3])
    assert of(both, name="b").coordinates.scores.tolist() == pytest.approx([1, 1 / 3])


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_copies_of_a_set_are_that_set(copies):
    rng = np.random.default_rng(1)
    one = picks("a", *rng.random((50, 2)) * 100, scores=rng.normal(size=50))
    found = of(*[one] * copies)
    best = one["a"].select(np.argsort(-one["a"].scores))
    np.testing.assert_allclose(found.coordinates.centers_yx, best.centers_yx)
    np.testing.assert_allclose(found.coordinates.scores, 1 - np.arange(50) / 50)
    assert (found.votes == copies).all()


def test_the_order_of_sets_and_picks_means_nothing():
    rng = np.random.default_rng(2)
    centers_yx = rng.random((40, 2)) * 200
    sets = [
        picks("a", *centers_yx + rng.normal(size=(40, 2)), scores=rng.random(40)) for _ in range(3)
    ]
    shuffled = [{"a": sets[i]["a"].select(rng.permutation(40))} for i in (2, 0, 1)]
    one, two = of(*sets), of(*shuffled)
    np.testing.assert_allclose(one.coordinates.centers_yx, two.coordinates.centers_yx)
    np.testing.assert_allclose(one.coordinates.scores, two.coordinates.scores)
    np.testing.assert_array_equal(one.is_in[:, [2, 0, 1]], two.is_in)


def test_empty_sets_and_micrographs_that_a_set_lacks():
    other = picks("b", (10, 10))
    consensus = Consensus([ONE, NOBODY, {**TWO, **other}, {}], 1.0, 20.0, 5.0)
    assert consensus.names == ["a", "b"]
    assert consensus.missing() == [["b"], ["b"], [], ["a", "b"]]
    assert consensus.particles("a").votes.tolist() == [2, 2, 1]
    assert consensus.particles("b").sets == ["3"]
    assert len(of(NOBODY, NOBODY)) == 0


def test_names_may_have_what_other_programs_add():
    consensus = Consensus([ONE, picks("123_a_picks", (11, 11))], 1.0, 20.0, 5.0)
    assert consensus.names == ["a"]
    assert consensus.particles("a").votes.max() == 2


def test_sets_of_other_micrographs():
    with pytest.raises(InputError, match=r"no micrograph is in two sets: .*'a'.*'b'"):
        Consensus([ONE, picks("b", (1, 1))], 1.0, 20.0, 5.0)


def test_content_changes_with_the_picks_of_any_set():
    def content(*sets):
        return Consensus(sets, 1.0, 20.0, 5.0).content("a")

    moved = picks("a", (12, 10), (52, 51))
    scored = picks("a", (12, 10), (52, 50), scores=[0.5, 0.2])
    better = picks("a", (12, 10), (52, 50), scores=[0.6, 0.2])
    wider = picks("a", (12, 10), (52, 50), diameters=[11, np.nan])
    others = [(ONE, moved), (ONE, scored), (ONE, better), (ONE, wider), (TWO, ONE), (ONE, NOBODY)]
    assert len({content(*sets) for sets in [(ONE, TWO), *others]}) == 7
    assert content(ONE, TWO) == content(ONE, {**TWO, **picks("b", (1, 1))})


def test_difference():
    found = of(ONE).coordinates
    assert far_from(found, picks("a", (10, 16))["a"], 5.9).tolist() == [True] * 3
    assert far_from(found, picks("a", (10, 16))["a"], 6.0).tolist() == [False, True, True]
    large = picks("a", (5, 8), pixel_size=2.0)["a"]
    assert far_from(found, large, 6.0).tolist() == [False, True, True]
    coarse = found.at_pixel_size(2.0)
    assert far_from(coarse, picks("a", (10, 16))["a"], 5.9).tolist() == [True] * 3
    assert far_from(coarse, picks("a", (10, 16))["a"], 6.0).tolist() == [False, True, True]
    assert far_from(found, NOBODY["a"], 6.0).all()
    assert far_from(found, None, 6.0).all()
    assert far_from(NOBODY["a"], found, 6.0).tolist() == []
