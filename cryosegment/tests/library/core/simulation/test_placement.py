# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_cdt
from scipy.spatial.distance import pdist, squareform

from cryosegment.core.simulation.placement import (
    Crowd,
    away_from,
    inner_area,
    random_positions,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


def equal_discs(allowed, count, distance, generator, touching=0.0):
    return random_positions([allowed], [0] * count, [distance / 2], touching, generator)


def test_positions_keep_their_distance_and_stay_where_allowed(generator):
    allowed = torch.zeros(200, 300, dtype=torch.bool)
    allowed[20:180, 150:290] = True
    positions, found = equal_discs(allowed, 40, 14.0, generator)
    assert positions.shape == (40, 2)
    assert found == list(range(40))
    assert pdist(positions.numpy()).min() >= 14
    assert bool(allowed[positions[:, 0], positions[:, 1]].all())


def test_a_full_image_gives_fewer(generator):
    positions, found = equal_discs(torch.ones(50, 50, dtype=torch.bool), 100, 20.0, generator)
    assert 4 <= len(positions) == len(found) <= 12
    assert pdist(positions.numpy()).min() >= 20


def test_discs_fill_the_plane_up_to_the_jamming_limit(generator):
    """Random sequential addition of discs ends at a coverage of 0.547 (Feder 1980)."""
    positions, _ = equal_discs(torch.ones(300, 300, dtype=torch.bool), 1000, 20.0, generator)
    # Centres may lie on the border: their discs cover a plane wider by a radius on each side.
    coverage = len(positions) * np.pi * 10**2 / 320**2
    assert 0.48 < coverage < 0.56


def test_no_place_gives_none(generator):
    nowhere = torch.zeros(10, 10, dtype=torch.bool)
    assert equal_discs(nowhere, 5, 1.0, generator)[0].shape == (0, 2)
    assert equal_discs(~nowhere, 0, 1.0, generator)[0].shape == (0, 2)
    assert equal_discs(nowhere, 5, 1.0, generator, touching=1.0)[0].shape == (0, 2)


def test_positions_are_uniform(generator):
    positions, _ = equal_discs(torch.ones(64, 64, dtype=torch.bool), 2000, 0.0, generator)
    assert (positions.float().mean(dim=0) - 31.5).abs().max() < 1.5


def test_discs_of_different_kinds_keep_the_sum_of_their_radii_and_their_own_ground(generator):
    radii = np.array([4.0, 11.0])
    halves = torch.zeros(2, 160, 160, dtype=torch.bool)
    halves[0, :, :100], halves[1, :, 60:] = True, True
    kinds = [0, 1] * 20
    positions, found = random_positions(list(halves), kinds, radii.tolist(), 0.0, generator)
    mine = np.array(kinds)[found]
    distances = squareform(pdist(positions.numpy()))
    gap = distances - (radii[mine][:, None] + radii[mine])
    assert gap[~np.eye(len(gap), dtype=bool)].min() >= 0
    assert set(mine) == {0, 1}
    for place, kind in zip(positions.tolist(), mine, strict=True):
        assert halves[kind][tuple(place)]


@pytest.mark.parametrize("touching", [0.0, 0.6, 1.0])
def test_touching_discs_have_a_neighbour_at_the_smallest_distance(touching, generator):
    allowed = inner_area(600, 600, 10, generator)
    positions, _ = equal_discs(allowed, 60, 20.0, generator, touching)
    distances = squareform(pdist(positions.numpy())) + 1e9 * np.eye(len(positions))
    beside = (distances.min(axis=1) <= 20 + 2 * 0.71 + 0.01).sum()
    assert distances.min() >= 20
    assert len(positions) == 60
    assert beside >= touching * 59
    if touching == 0:
        assert beside < 12


def test_touching_discs_stay_where_allowed(generator):
    band = torch.zeros(60, 300, dtype=torch.bool)
    band[20:40] = True
    positions, _ = equal_discs(band, 30, 8.0, generator, touching=0.9)
    assert len(positions) > 20
    assert bool(band[positions[:, 0], positions[:, 1]].all())


def test_a_crowd_knows_its_room():
    crowd = Crowd(5.0)
    crowd.add((20, 20), 5.0)
    crowd.add((20, 31), 3.0)
    assert crowd.has_room((20, 10), 5.0)
    assert not crowd.has_room((20, 11), 5.0)
    assert crowd.has_room((20, 35), 1.0)
    assert not crowd.has_room((20, 34), 1.0)


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
