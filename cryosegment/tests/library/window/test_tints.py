# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from cryosegment.exchange.labels import BACKGROUND, CONTAMINATION, UNKNOWN
from cryosegment.window.tints import (
    CLASS_COLORS,
    tint_of_classes,
    tint_of_map,
    tint_of_particles,
)


def test_a_map_is_as_opaque_as_it_is_high() -> None:
    colors = tint_of_map(np.array([[-0.5, 0.2], [0.6, 1.7]], np.float16), "#0102ff").colors
    np.testing.assert_array_equal(colors[..., 3], [[0, 50], [153, 255]])
    assert (colors[..., :3] == (1, 2, 255)).all()


def test_particles_that_are_left_out_are_clear() -> None:
    labels = np.array([[0, 1, 2], [3, 2, 0]])
    every = tint_of_particles(labels).colors
    np.testing.assert_array_equal(every[..., 3] > 0, labels > 0)
    assert len({tuple(every[labels == number][0]) for number in (1, 2, 3)}) == 3
    some = tint_of_particles(labels, np.array([True, False, True])).colors
    np.testing.assert_array_equal(some[..., 3] > 0, (labels == 1) | (labels == 3))
    assert not tint_of_particles(np.zeros((2, 2), int)).colors.any()


def test_classes_have_their_colours() -> None:
    classes = np.array([[BACKGROUND, CONTAMINATION, UNKNOWN]])
    colors = tint_of_classes(classes, CLASS_COLORS).colors[0]
    assert colors[0, 3] == 0
    assert colors[1].tolist() == [0xD5, 0x5E, 0x00, 255]
    assert colors[2].tolist() == [255, 255, 255, 255]
