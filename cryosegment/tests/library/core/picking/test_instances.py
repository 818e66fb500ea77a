# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances hold their seed's pixels and no others."""

import math

import pytest
import torch
from scipy import ndimage
from skimage.draw import disk

from cryosegment.core.picking.instances import (
    find_instances,
    instance_diameters,
    renumber,
)


def discs_map(centers_yx, diameter, shape=(80, 80)):
    image = torch.zeros(shape)
    for center in centers_yx:
        image[disk(center, diameter / 2, shape=shape)] = 0.9
    return image


def test_separate_discs_are_their_connected_components():
    centers = torch.tensor([[20.0, 20.0], [20.0, 60.0], [60.0, 40.0]])
    particle = discs_map(centers.tolist(), 20.0)
    labels = find_instances(particle, centers, 20.0)
    expected, count = ndimage.label(particle.numpy() > 0.5)
    assert count == 3
    for number, (y, x) in enumerate(centers.int().tolist(), start=1):
        assert ((labels.numpy() == number) == (expected == expected[y, x])).all()
    assert labels.dtype == torch.int32


def test_touching_discs_are_cut_in_the_middle():
    centers = torch.tensor([[40.0, 31.0], [40.0, 47.0]])
    labels = find_instances(discs_map(centers.tolist(), 20.0), centers, 20.0)
    left, right = (labels == 1).nonzero(), (labels == 2).nonzero()
    assert left[:, 1].max() <= 40
    assert right[:, 1].min() >= 38
    assert abs(len(left) - len(right)) <= 0.1 * len(left)


def test_instances_end_within_reach_of_their_seed():
    labels = find_instances(torch.ones(80, 80), torch.tensor([[40.0, 40.0]]), 20.0)
    far = (labels.nonzero() - 40.0).norm(dim=1).max()
    assert 14 < far <= 15
    assert labels[40, 55] == 1
    assert labels[40, 56] == 0


def test_threshold_bounds_the_instance():
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    particle = 1 - torch.hypot(rows - 20, columns - 20) / 20
    labels = find_instances(particle, torch.tensor([[20.0, 20.0]]), 20.0, threshold=0.75)
    assert torch.equal(labels > 0, particle > 0.75)


def test_particles_without_a_seed_are_background():
    particle = discs_map([(20.0, 20.0), (60.0, 60.0)], 20.0)
    labels = find_instances(particle, torch.tensor([[20.0, 20.0]]), 20.0)
    assert labels[60, 60] == 0


def test_seeds_that_meet_or_see_no_particle_stay_empty():
    particle = discs_map([(20.0, 20.0)], 20.0)
    centers = torch.tensor([[20.1, 20.1], [19.9, 19.9], [60.0, 60.0]])
    diameters = instance_diameters(find_instances(particle, centers, 20.0), 3)
    assert diameters.isnan().tolist() == [False, True, True]


def test_no_seeds():
    labels = find_instances(torch.ones(10, 10), torch.zeros(0, 2), 5.0)
    assert labels.max() == 0
    assert len(instance_diameters(labels, 0)) == 0


@pytest.mark.parametrize("diameter", [15.0, 20.0, 31.0])
def test_diameter_is_that_of_the_disc(diameter):
    particle = discs_map([(40.0, 40.0)], diameter)
    labels = find_instances(particle, torch.tensor([[40.0, 40.0]]), diameter)
    found = float(instance_diameters(labels, 1)[0])
    assert found == pytest.approx(diameter, rel=0.05)
    assert found == pytest.approx(2 * math.sqrt(int((particle > 0).sum()) / math.pi))


def test_kept_instances_are_numbered_in_order() -> None:
    labels = torch.tensor([[0, 1, 2], [3, 4, 4]], dtype=torch.int32)
    kept = torch.tensor([False, True, False, True])
    assert renumber(labels, kept).tolist() == [[0, 0, 1], [0, 2, 2]]
    assert renumber(labels, kept).dtype == torch.int32
    nothing = torch.zeros(0, dtype=torch.bool)
    assert renumber(torch.zeros_like(labels), nothing).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_particles_on_the_first_and_the_last_pixels() -> None:
    corners = torch.tensor([[0.0, 0.0], [0.0, 79.0], [79.0, 0.0], [79.0, 79.0]])
    labels = find_instances(discs_map(corners.tolist(), 20.0), corners, 20.0)
    assert [int(labels[tuple(corner.long())]) for corner in corners] == [1, 2, 3, 4]


def test_a_single_pixel_has_a_diameter() -> None:
    labels = torch.zeros(4, 4, dtype=torch.int32)
    labels[1, 2] = 1
    assert float(instance_diameters(labels, 1)) == pytest.approx(2 / math.sqrt(math.pi))
