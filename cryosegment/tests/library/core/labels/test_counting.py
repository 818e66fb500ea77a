# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts against NumPy's histogram and SciPy's filter; the two ways of counting are the same."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.labels.counting import count_at_once, count_singly, count_voxels, fine_poses
from cryosegment.core.optics.projection import random_angles, rotation_matrices
from cryosegment.tests.machine import NO_GPU

SIDE = 48


@pytest.fixture(scope="module")
def points():
    """Voxels of an irregular body within 20 px."""
    axis = torch.arange(-14.0, 15.0)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).flatten(1)
    radii = 11 + 3 * torch.sin(grid[0] / 3) + 2 * torch.cos(grid[1] / 2)
    return grid[:, grid.norm(dim=0) < radii]


@pytest.fixture(scope="module")
def poses():
    rotations = rotation_matrices(random_angles(300, torch.Generator().manual_seed(5)))
    return rotations, np.random.default_rng(0).random((300, 2))


def test_voxels_are_counted_where_they_fall(points, poses):
    """In half pixels, which a binomial filter smooths; some lie so that rounding moves them."""
    rotations, fractions = poses
    counts = count_voxels(points, rotations, fractions, SIDE)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    for count, rotation, fraction in zip(counts, rotations, fractions, strict=True):
        x, y, _ = (rotation.double() @ points.double()).numpy()
        places = np.stack((y + SIDE // 2 + fraction[0], x + SIDE // 2 + fraction[1]), axis=1)
        edges = np.arange(2 * SIDE + 1) / 2 - 0.25
        fine, _ = np.histogramdd(places, (edges, edges))
        smooth = ndimage.convolve1d(ndimage.convolve1d(fine, kernel, 0), kernel, 1)
        np.testing.assert_allclose(count, smooth[::2, ::2], atol=1.0)
        assert np.abs(count - smooth[::2, ::2]).mean() < 0.01


def test_many_at_once_are_the_same_as_one_by_one(points, poses):
    """Not one voxel is rounded to another pixel: no sum is rounded at all."""
    turned, middles = fine_poses(*poses, SIDE)
    places = turned @ points + middles[:, :, None]
    exact = turned.double() @ points.double() + middles.double()[:, :, None]
    assert torch.equal(places.double(), exact)
    singly = np.stack(list(count_singly(points, turned, middles, 2 * SIDE)))
    at_once = count_at_once(points, turned, middles, 2 * SIDE).numpy()
    np.testing.assert_array_equal(at_once, singly)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_a_gpu_counts_the_same(points, poses):
    here, there = (
        np.stack(list(count_voxels(points.to(device), *poses, SIDE))) for device in ("cpu", "cuda")
    )
    np.testing.assert_array_equal(here, there)
