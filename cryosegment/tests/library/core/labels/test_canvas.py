# SPDX-License-Identifier: GPL-3.0-or-later
import time

import numpy as np
import pytest

from cryosegment.core.labels.canvas import Canvas, ClassRules
from cryosegment.core.labels.shapes import ellipse
from cryosegment.exchange.errors import InputError

SQUARE = np.ones((4, 4), bool)  # covers 2 px before and 1 px behind its pixel


def test_overlaps_go_to_the_nearer_centre():
    centers = np.array([[3.0, 3.0], [3.0, 6.0]])
    for order in ((1, 2), (2, 1)):
        canvas = Canvas((7, 9), centers)
        for number in order:
            canvas.paint(number, centers[number - 1], SQUARE)
        np.testing.assert_array_equal(canvas.instances[3], [0, 1, 1, 1, 1, 2, 2, 2, 0])
        assert (canvas.instances[0] == 0).all()


def test_of_equal_distances_the_first_painted_has_the_pixel():
    centers = np.array([[3.0, 3.0], [3.0, 5.0]])
    canvas = Canvas((7, 9), centers)
    canvas.paint(1, centers[0], SQUARE)
    canvas.paint(2, centers[1], SQUARE)
    np.testing.assert_array_equal(canvas.instances[3], [0, 1, 1, 1, 1, 2, 2, 0, 0])


def test_particles_on_the_border_are_clipped():
    centers = np.array([[0.2, 7.9], [5.0, 0.0]])
    canvas = Canvas((6, 8), centers)
    for number, center in enumerate(centers, start=1):
        canvas.paint(number, center, SQUARE)
    expected = np.zeros((6, 8))
    expected[:2, 5:] = 1
    expected[3:, :2] = 2
    np.testing.assert_array_equal(canvas.instances, expected)


@pytest.mark.parametrize("center", [(-9.0, 50.0), (2.0, 1e25), (-1e300, 3.0)])
def test_a_footprint_outside_leaves_nothing(center):
    canvas = Canvas((6, 8), np.array([center]))
    canvas.paint(1, np.array(center), SQUARE)
    canvas.blot(np.array(center), SQUARE)
    assert not canvas.instances.any()
    assert not canvas.classes(ClassRules()).any()


def painted(shape, centers_yx, diameters_px):
    canvas = Canvas(shape, centers_yx)
    for number, (center, size) in enumerate(zip(centers_yx, diameters_px, strict=True), start=1):
        canvas.paint(number, center, ellipse(size, size, 0.0, center % 1))
    return canvas


@pytest.mark.parametrize("seed", range(3))
def test_overlapping_discs_against_asking_every_pixel_for_its_nearest_centre(seed):
    random = np.random.default_rng(seed)
    centers_yx = random.random((40, 2)) * (100, 80) - 10  # some lie outside
    diameters_px = random.choice([9.0, 14.0, 21.0], 40)
    pixels = np.stack(np.indices((80, 60)), -1).astype(float)
    distances = np.linalg.norm(pixels[:, :, None] - centers_yx, axis=-1)
    within = np.where(distances <= diameters_px / 2, distances, np.inf)
    expected = np.where(np.isfinite(within.min(-1)), within.argmin(-1) + 1, 0)
    canvas = painted((80, 60), centers_yx, diameters_px)
    assert canvas.instances.dtype == np.int16
    np.testing.assert_array_equal(canvas.instances, expected)


def test_blots_and_rings_are_unknown_but_particles_stay():
    canvas = Canvas((12, 12), np.array([[3.0, 3.0]]))
    canvas.paint(1, np.array([3.0, 3.0]), SQUARE)
    canvas.blot(np.array([4.0, 4.0]), SQUARE)
    canvas.blot(np.array([9.0, 9.0]), SQUARE)
    classes = canvas.classes(ClassRules())
    assert classes.dtype == np.int8
    assert (classes == 1).sum() == 16
    assert (classes == -1).sum() == 16 + 16 - 9
    ring = canvas.classes(ClassRules(ring_px=1.0))
    assert (ring == 1).sum() == 16
    assert ring[0, 2] == -1  # beside the square
    assert ring[0, 0] == 0  # 1.4 px from its corner


def test_edges_are_inside_the_particles():
    canvas = painted((40, 40), np.array([[20.0, 14.0], [20.0, 26.0]]), np.array([16.0, 16.0]))
    classes = canvas.classes(ClassRules(edge_px=2.0, ring_px=3.0))
    assert (np.isin(classes, (1, 3)) == (canvas.instances > 0)).all()
    # the first reaches from column 6 to 20, where the second begins
    assert classes[20, [2, 3, 6, 7, 9, 18, 19, 20]].tolist() == [0, -1, 3, 3, 1, 1, 3, 3]
    assert classes[20, [21, 22, 23, 31, 33, 34]].tolist() == [3, 3, 1, 1, 3, 3]


def test_far_outside_the_particles_nothing_is_known():
    centers_yx = np.array([[20.0, 20.0], [20.0, 60.0], [50.0, 40.0]])
    canvas = painted((120, 100), centers_yx, np.full(3, 10.0))
    classes = canvas.classes(ClassRules(support_px=10.0))
    assert classes[30, 40] == 0  # inside the triangle of particles
    assert classes[20, 74] == 0  # 5 and 10 px from the centre on the right
    assert classes[20, 76] == -1
    assert classes[64, 40] == 0
    assert classes[66, 40] == -1
    assert (classes == 1).sum() == (canvas.instances > 0).sum()
    nothing = Canvas((6, 8), np.zeros((0, 2)))
    assert (nothing.classes(ClassRules(support_px=10.0)) == -1).all()


def test_a_ring_around_nothing():
    assert not Canvas((6, 8), np.zeros((0, 2))).classes(ClassRules(2.0, 3.0)).any()


def test_a_large_micrograph_is_quick():
    centers_yx = np.random.default_rng(0).random((600, 2)) * 4096
    start = time.process_time()
    painted((4096, 4096), centers_yx, np.full(600, 108.0)).classes(ClassRules(5.6, 10.8))
    assert time.process_time() - start < 3


def test_more_particles_than_numbers():
    with pytest.raises(InputError, match="32767"):
        Canvas((6, 8), np.zeros((32768, 2)))
