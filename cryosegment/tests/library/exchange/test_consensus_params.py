# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import ConsensusParams


@pytest.mark.parametrize(
    ("votes", "needed"),
    [
        ("majority", [1, 2, 2, 3, 3]),
        ("all", [1, 2, 3, 4, 5]),
        ("1", [1, 1, 1, 1, 1]),
    ],
)
def test_votes_of_one_to_five_sets(votes, needed):
    params = ConsensusParams(100.0, 1.0, votes=votes)
    assert [params.votes_of(sets) for sets in range(1, 6)] == needed


def test_more_votes_than_sets():
    with pytest.raises(ParameterError, match="at most 2, the number of sets, got 3"):
        ConsensusParams(100.0, 1.0, votes="3").votes_of(2)


def test_the_radius_is_a_quarter_of_the_diameter_unless_given():
    assert ConsensusParams(100.0, 1.0).reach == 25.0
    assert ConsensusParams(100.0, 1.0, radius=7.0).reach == 7.0
