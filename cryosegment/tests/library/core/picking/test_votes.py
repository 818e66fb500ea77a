# SPDX-License-Identifier: GPL-3.0-or-later
"""Votes land where they point and are counted once."""

import math

import pytest
import torch

from cryosegment.core.picking.votes import VOTE_SIGMA, vote_map


def test_a_full_disc_gives_one_at_its_centre():
    diameter = 20.0
    rows, columns = torch.meshgrid(torch.arange(61.0), torch.arange(61.0), indexing="ij")
    to_center = torch.stack((30 - rows, 30 - columns))
    particle = (to_center.square().sum(0) <= (diameter / 2) ** 2).float()
    valid = torch.ones(61, 61, dtype=torch.bool)
    votes = vote_map(to_center / (diameter / 2) * particle, particle, valid, diameter)
    assert votes[30, 30] == pytest.approx(1.0, abs=0.03)
    assert votes[30, 40] < 0.01


@pytest.mark.parametrize("target", [(20.0, 20.0), (20.25, 19.5), (39.0, 39.0), (0.0, 0.0)])
def test_one_vote_is_a_gaussian_where_it_points(target):
    diameter, source = 20.0, (18, 23)
    particle = torch.zeros(40, 40)
    particle[source] = 0.6
    offsets = torch.zeros(2, 40, 40)
    offsets[:, source[0], source[1]] = torch.tensor(
        [(target[0] - source[0]) / 10, (target[1] - source[1]) / 10]
    )
    votes = vote_map(offsets, particle, torch.ones(40, 40, dtype=torch.bool), diameter)
    steps = torch.arange(40.0)
    if target[0] not in (0.0, 39.0):
        mean_yx = torch.stack([votes.sum(1) @ steps, votes.sum(0) @ steps]) / votes.sum()
        disc_area = math.pi * 10**2
        assert mean_yx.tolist() == pytest.approx(target, abs=1e-3)
        assert votes.sum() == pytest.approx(
            0.6 / disc_area * 2 * math.pi * (VOTE_SIGMA * diameter) ** 2, rel=1e-3
        )
    else:
        assert torch.argmax(votes) == int(target[0]) * 40 + int(target[1])


def test_votes_beyond_the_border_and_of_invalid_pixels_are_lost():
    particle = torch.ones(30, 30)
    everywhere = torch.ones(30, 30, dtype=torch.bool)
    for outwards in [(5.0, 0.0), (-5.0, 0.0), (0.0, 5.0), (0.0, -5.0)]:
        offsets = torch.tensor(outwards).view(2, 1, 1).expand(2, 30, 30)
        assert vote_map(offsets, particle, everywhere, 20.0).sum() == 0
    assert vote_map(torch.zeros(2, 30, 30), particle, ~everywhere, 20.0).sum() == 0


def test_votes_at_the_corners_are_whole() -> None:
    """What falls on the last pixel of a row or column is not lost, and not doubled."""
    particle = torch.zeros(40, 40)
    particle[0, 0] = particle[0, 39] = particle[39, 0] = particle[39, 39] = 1.0
    votes = vote_map(torch.zeros(2, 40, 40), particle, torch.ones(40, 40, dtype=torch.bool), 20.0)
    assert votes[0, 0] > 0
    torch.testing.assert_close(votes, votes.flip(0))
    torch.testing.assert_close(votes, votes.flip(1))
