# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges, rings and hulls against SciPy and scikit-image."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import convex_hull_image

from cryosegment.core.labels.areas import convex_hull, edges, near


@pytest.fixture
def instances():
    """Discs that overlap, two of them on the border of the image."""
    random = np.random.default_rng(0)
    pixels = np.stack(np.indices((90, 70)), -1)
    centers = random.random((20, 2)) * (90, 70)
    distances = np.linalg.norm(pixels[:, :, None] - centers, axis=-1)
    return np.where(distances.min(-1) <= 11, distances.argmin(-1) + 1, 0).astype(np.int16)


def outermost(instances, width_px):
    """Every instance on its own; outside the image it goes on."""
    found = np.zeros(instances.shape, bool)
    for number in range(1, instances.max() + 1):
        own = np.pad(instances == number, 40, mode="edge")
        depth = ndimage.distance_transform_edt(own)[40:-40, 40:-40] - 0.5
        found |= (instances == number) & (depth <= width_px)
    return found


@pytest.mark.parametrize("width_px", [0.5, 1.0, 2.6, 5.0, 30.0])
def test_edges_are_the_outermost_pixels_of_each_instance(instances, width_px):
    before = instances.copy()
    found = edges(instances, width_px)
    assert (found == outermost(instances, width_px)).mean() > 0.99
    assert (instances == before).all()


def test_touching_particles_have_an_edge_between_them():
    instances = np.repeat(np.array([1, 2], np.int16), 6)[None].repeat(12, axis=0)
    found = edges(instances, 2.0)
    assert found[:, 4:8].all()
    assert not found[:, :4].any()
    assert not found[:, 8:].any()


def test_no_width_is_no_edge(instances):
    assert not edges(instances, 0.0).any()
    assert not edges(np.zeros((5, 6), np.int16), 3.0).any()


def test_near_is_within_reach(instances):
    area = instances == 3
    expected = ndimage.distance_transform_edt(~area) <= 7.3
    assert (near(area, 7.3) == expected).mean() > 0.995
    assert not near(np.zeros((4, 5), bool), 3.0).any()


def test_the_hull_is_that_of_scikit_image(instances):
    area = np.isin(instances, (2, 5, 9))
    found, expected = convex_hull(area), convex_hull_image(area)
    assert (found & area).sum() == area.sum()
    assert (found & expected).sum() / (found | expected).sum() > 0.98
    assert not convex_hull(np.zeros((4, 5), bool)).any()
