# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from scipy.ndimage import distance_transform_cdt
from scipy.spatial.distance import pdist

from cryosegment.core.simulation.placement import away_from, inner_area, random_positions


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


def test_positions_keep_their_distance_and_stay_where_allowed(generator):
    allowed = torch.zeros(200, 300, dtype=torch.bool)
    allowed[20:180, 150:290] = True
    positions = random_positions(allowed, 40, 14.0, generator)
    assert positions.shape == (40, 2)
    assert pdist(positions.numpy()).min() >= 14
    assert bool(allowed[positions[:, 0], positions[:, 1]].all())


def test_a_full_image_gives_fewer(generator):
    positions = random_positions(torch.ones(50, 50, dtype=torch.bool), 100, 20.0, generator)
    assert 4 <= len(positions) <= 12
    assert pdist(positions.numpy()).min() >= 20


def test_no_place_gives_none(generator):
    nowhere = torch.zeros(10, 10, dtype=torch.bool)
    assert random_positions(nowhere, 5, 1.0, generator).shape == (0, 2)
    assert random_positions(~nowhere, 0, 1.0, generator).shape == (0, 2)


def test_positions_are_uniform(generator):
    positions = random_positions(torch.ones(64, 64, dtype=torch.bool), 2000, 0.0, generator)
    assert (positions.float().mean(dim=0) - 31.5).abs().max() < 1.5


def test_inner_area_leaves_a_margin(generator):
    area = inner_area(10, 12, 3, generator)
    assert int(area.sum()) == 4 * 6
    assert bool(area[3:7, 3:9].all())
    assert not inner_area(10, 12, 6, generator).any()


def test_away_from_agrees_with_the_chessboard_distance():
    mask = torch.zeros(100, 90, dtype=torch.bool)
    mask[40:44, 60] = True
    distance = distance_transform_cdt(~mask.numpy(), "chessboard")
    away = away_from(mask, 20).numpy()
    assert not away[distance <= 20].any()
    assert away[distance >= 20 + 16].all()
    assert bool(away_from(~mask & mask, 20).all())
