# SPDX-License-Identifier: GPL-3.0-or-later
"""Discs against scikit-image and against asking every pixel for its nearest centre."""

import time

import numpy as np
import pytest
from skimage.draw import disk

from cryosegment.core.labels.discs import discs
from cryosegment.exchange.errors import InputError


def by_asking_every_pixel(shape, centers_yx, diameters_px, ring_px):
    """Both maps, from the distances of all pixels to all centres."""
    pixels = np.stack(np.indices(shape), -1).astype(float)
    distances = np.linalg.norm(pixels[:, :, None] - centers_yx, axis=-1)
    radii = diameters_px / 2
    within = np.where(distances <= radii, distances, np.inf)
    instances = np.where(np.isfinite(within.min(-1)), within.argmin(-1) + 1, 0)
    near = (distances <= radii + ring_px).any(-1) & (ring_px > 0)
    return instances, np.where(instances > 0, 1, np.where(near, -1, 0))


def test_one_disc_is_that_of_scikit_image():
    instances, classes = discs((50, 60), np.array([[20.3, 31.7]]), np.array([17.0]))
    expected = np.zeros((50, 60))
    expected[disk((20.3, 31.7), 8.5)] = 1
    assert (instances == expected).all()
    assert (classes == expected).all()
    assert (instances.dtype, classes.dtype) == (np.int16, np.int8)


@pytest.mark.parametrize("ring_px", [0.0, 2.5])
@pytest.mark.parametrize("seed", range(3))
def test_overlaps_go_to_the_nearest_centre(seed, ring_px):
    rng = np.random.default_rng(seed)
    centers_yx = rng.random((40, 2)) * (100, 80) - 10  # some lie outside
    diameters_px = rng.choice([9.0, 14.0, 21.0], 40)
    instances, classes = discs((80, 60), centers_yx, diameters_px, ring_px)
    expected = by_asking_every_pixel((80, 60), centers_yx, diameters_px, ring_px)
    assert (instances == expected[0]).all()
    assert (classes == expected[1]).all()


def test_rings_do_not_cover_particles():
    centers_yx = np.array([[20.0, 15.0], [20.0, 26.0]])
    instances, classes = discs((40, 40), centers_yx, np.array([10.0, 10.0]), 4.0)
    assert ((classes == 1) == (instances > 0)).all()
    assert (instances == 1).sum() == (instances == 2).sum()
    assert classes[20, 33] == -1
    assert classes[20, 36] == 0


def test_no_particles():
    instances, classes = discs((10, 12), np.zeros((0, 2)), np.zeros(0), 2.0)
    assert instances.shape == classes.shape == (10, 12)
    assert not instances.any()
    assert not classes.any()


def test_particles_beyond_the_border_paint_nothing():
    centers_yx = np.array([[-50.0, 5.0], [5.0, 200.0], [-3.0, 5.0]])
    instances, _ = discs((20, 20), centers_yx, np.full(3, 10.0))
    assert np.unique(instances).tolist() == [0, 3]


def test_more_particles_than_int16_numbers_are_an_error():
    with pytest.raises(InputError, match="at most 32767 particles"):
        discs((4, 4), np.zeros((32768, 2)), np.ones(32768))


def test_a_large_micrograph_is_quick():
    centers_yx = np.random.default_rng(0).random((600, 2)) * 4096
    start = time.process_time()
    discs((4096, 4096), centers_yx, np.full(600, 108.0), 10.8)
    assert time.process_time() - start < 2
