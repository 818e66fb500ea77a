# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.labels.canvas import Canvas
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


def test_a_footprint_outside_leaves_nothing():
    canvas = Canvas((6, 8), np.array([[-9.0, 50.0]]))
    canvas.paint(1, np.array([-9.0, 50.0]), SQUARE)
    assert not canvas.instances.any()


def test_blots_and_rings_are_unknown_but_particles_stay():
    canvas = Canvas((12, 12), np.array([[3.0, 3.0]]))
    canvas.paint(1, np.array([3.0, 3.0]), SQUARE)
    canvas.blot(np.array([4.0, 4.0]), SQUARE)
    canvas.blot(np.array([9.0, 9.0]), SQUARE)
    classes = canvas.classes(0.0)
    assert (classes == 1).sum() == 16
    assert (classes == -1).sum() == 16 + 16 - 9
    ring = canvas.classes(1.0)
    assert (ring == 1).sum() == 16
    assert ring[0, 2] == -1  # beside the square
    assert ring[0, 0] == 0  # 1.4 px from its corner


def test_a_ring_around_nothing():
    assert not Canvas((6, 8), np.zeros((0, 2))).classes(3.0).any()


def test_more_particles_than_numbers():
    with pytest.raises(InputError, match="32767"):
        Canvas((6, 8), np.zeros((32768, 2)))
