# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from cryosegment.core.picking.size_mode import have_usual_size, middles
from cryosegment.core.picking.watersheds import parted_regions


def boxes_of(*sides: tuple[int, int]) -> np.ndarray:
    return np.array([(7, 9, 7 + height, 9 + width) for height, width in sides])


def test_boxes_near_the_mode_of_both_sides_stay() -> None:
    """Larger ones by the tolerance, smaller ones by a third of it, and a pixel of rounding."""
    sides = ((40, 30), (40, 30), (37, 30), (36, 30), (47, 30), (48, 30), (40, 37), (40, 38))
    kept = have_usual_size(boxes_of(*sides), 6.0)
    assert kept.tolist() == [True, True, True, False, True, False, True, False]
    assert have_usual_size(np.empty((0, 4), np.int64), 6.0).tolist() == []


def test_the_middle_of_a_box_is_that_of_its_pixels() -> None:
    np.testing.assert_array_equal(middles(np.array([[2, 4, 5, 8]])), [[3.0, 5.5]])


def test_regions_that_are_much_smaller_or_larger_than_a_particle_are_none() -> None:
    y, x = np.indices((120, 200))
    particle = np.zeros((120, 200), np.float32)
    for row, column, radius in ((30, 30, 10), (30, 60, 2), (80, 60, 38), (60, 150, 10)):
        particle[np.hypot(y - row, x - column) < radius] = 0.9
    labels = parted_regions(particle, 20.0, 0.5)
    assert labels.max() == 2
    for number, place in ((labels[30, 30], (30, 30)), (labels[60, 150], (60, 150))):
        expected = np.hypot(y - place[0], x - place[1]) < 10
        np.testing.assert_array_equal(labels == number, expected)
