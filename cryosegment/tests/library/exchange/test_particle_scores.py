# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.params import RankParams
from cryosegment.exchange.particles.scores import select

QUALITY = np.array([0.9, 0.2, np.nan, 0.8, 0.1, 0.6])
VALUES = {
    "quality": QUALITY,
    "ets": np.array([0.5, 0.0, np.nan, 0.4, 0.4, 1.0]),
    "centring": np.array([3.0, 9.0, np.nan, 1.0, 50.0, 2.0]),
}


def kept(*wish, **wishes):
    return np.flatnonzero(select(VALUES, *wish, **wishes).chosen).tolist()


def test_a_fraction_of_those_that_have_a_score():
    assert kept(fraction=0.6) == [0, 3, 5]
    assert kept(fraction=1.0) == [0, 1, 3, 4, 5]
    assert kept("ets", fraction=0.6) == [0, 3, 5]  # of two equal ones, the first
    assert kept("centring", fraction=0.4) == [3, 5]  # close is good
    assert select(VALUES, "centring", fraction=0.4).threshold == 2.0
    assert np.isnan(select(VALUES, fraction=0.05).threshold)


def test_a_threshold_belongs_to_the_good_side():
    assert kept(threshold=0.6) == [0, 3, 5]
    assert kept("centring", threshold=3.0) == [0, 3, 5]
    assert "centring at most 3 Å" in select(VALUES, "centring", threshold=3.0).in_words()


def test_a_wished_purity_keeps_as_many_as_can_be():
    """The mean of the kept qualities is the expected part of good ones."""
    assert kept(purity=0.85) == [0, 3]
    assert kept(purity=0.76) == [0, 3, 5]
    assert kept(purity=0.5) == [0, 1, 3, 4, 5]


def test_left_alone_the_expected_f1_is_highest():
    chosen = select(VALUES).chosen
    total = np.nansum(QUALITY)
    f1 = [
        2 * best.sum() / (len(best) + total)
        for best in (np.sort(QUALITY[np.isfinite(QUALITY)])[::-1][:n] for n in range(1, 6))
    ]
    assert chosen.sum() == 1 + np.argmax(f1)
    assert QUALITY[chosen].min() > np.nanmax(QUALITY[~chosen])


def test_without_the_score_nothing_can_be_chosen():
    with pytest.raises(InputError, match="score quality, found none"):
        select({"quality": np.full(3, np.nan)})


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"keep": "0.5", "threshold": 0.3}, "one of keep, threshold and purity"),
        ({"purity": 0.5, "threshold": 0.3}, "one of keep, threshold and purity"),
        ({"keep": "0"}, "above 0"),
        ({"keep": "1.5"}, "above 0"),
        ({"keep": "half"}, "'half'"),
        ({"score": "ets"}, "no probability"),
        ({"score": "ets", "purity": 0.9}, "no probability"),
        ({"map": "map.mrc"}, "map and aligned-to together"),
        ({"aligned_to": 8.0}, "map and aligned-to together"),
        ({"score": "agreement", "keep": "0.5"}, "expected a map for the score agreement"),
    ],
)
def test_wishes_that_contradict_are_refused(wishes, message):
    with pytest.raises(ParameterError, match=message):
        RankParams(particles="a.star", **wishes)
    assert RankParams(particles="a.star", keep="Auto").fraction is None
    assert RankParams(particles="a.star", score="ets", keep=" 0.7").fraction == 0.7


def test_a_fraction_is_the_nearest_number_of_particles():
    values = np.arange(100.0)
    assert select({"quality": values}, fraction=0.29).chosen.sum() == 29  # 28.999... in floats
