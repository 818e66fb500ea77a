# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from skimage.draw import disk, line

from cryosegment.core.picking import ParticleMaps, on_filaments

DIAMETER = 20.0


def maps_of(particle, contamination=None):
    """Maps whose contamination is nothing unless it is given."""
    plane = torch.from_numpy(np.asarray(particle, np.float32))
    dirty = torch.zeros_like(plane)
    if contamination is not None:
        dirty = torch.from_numpy(np.asarray(contamination, np.float32))
    return ParticleMaps(plane, dirty, torch.ones_like(plane, dtype=torch.bool))


def rod(width, length, angle=30.0):
    """A map with a straight bar, and centres along it and beside it."""
    y, x = np.mgrid[:160, :160] - 80.0
    turn = np.deg2rad(angle)
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    plane = ((np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)).astype(np.float32)
    steps = np.array([-0.3, 0.0, 0.3]) * length
    centers = np.stack((80 + np.sin(turn) * steps, 80 + np.cos(turn) * steps), axis=1)
    return 0.9 * plane, torch.from_numpy(centers).float()


@pytest.mark.parametrize(
    ("width", "length", "is_filament"),
    [(8, 100, True), (8, 60, False), (20, 100, False)],
)
def test_long_thin_regions_are_filaments(width, length, is_filament):
    plane, centers = rod(width, length)
    assert on_filaments(maps_of(plane), centers, DIAMETER).tolist() == [is_filament] * 3


def test_a_row_of_touching_particles_is_none():
    plane = np.zeros((60, 160), np.float32)
    centers = [(30, 30 + 20 * k) for k in range(6)]
    for center in centers:
        plane[disk(center, 9.5)] = 0.9
    plane[line(30, 30, 30, 130)] = 0.9
    found = on_filaments(maps_of(plane), torch.tensor(centers).float(), DIAMETER)
    assert not found.any()


@pytest.mark.parametrize("angle", [0, 37, 90, 171])
def test_every_direction_counts_up_to_the_rim(angle):
    plane, centers = rod(8, 400, angle)
    ends = torch.stack((centers[1], centers[1] + 0.6 * (centers[2] - centers[1])))
    assert on_filaments(maps_of(plane), ends, DIAMETER).all()


def test_beads_that_contamination_connects_are_a_filament_and_others_stay():
    plane, dirty = np.zeros((120, 160)), np.zeros((120, 160))
    dirty[58:63, 30:130] = 0.06
    beads = [(60, 30 + 20 * k) for k in range(6)]
    for bead in beads:
        plane[disk(bead, 5)] = 0.9
    plane[disk((20, 80), 9)] = 0.9
    centers = torch.tensor([*beads, (20, 80), (100, 10)]).float()
    found = on_filaments(maps_of(plane, dirty), centers, DIAMETER)
    assert found.tolist() == [True] * 6 + [False] * 2
    assert not on_filaments(maps_of(plane), centers, DIAMETER).any()
    assert on_filaments(maps_of(plane), torch.zeros(0, 2), DIAMETER).shape == (0,)


def test_a_filament_with_particles_beside_it_all_along_is_a_crowd():
    plane, centers = rod(8, 100, 0)
    plane[88 : 88 + 20] = 0.9
    assert not on_filaments(maps_of(plane), centers, DIAMETER).any()


@pytest.mark.parametrize(("period", "is_filament"), [(10, False), (40, True)])
def test_a_few_gaps_and_a_little_beside_it_do_not_matter(period, is_filament):
    """Two columns of each period are another than in a filament."""
    plane, centers = rod(8, 100, 0)
    columns = np.arange(160) % period < 2
    gaps, beside = plane.copy(), plane.copy()
    gaps[:, columns] = 0
    beside[88, columns] = 0.9
    for each in (gaps, beside):
        assert on_filaments(maps_of(each), centers, DIAMETER).tolist() == [is_filament] * 3
