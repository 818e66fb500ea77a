# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints of picks against scikit-image."""

import numpy as np
import pytest
from skimage.draw import disk
from skimage.draw import ellipse as skimage_ellipse
from skimage.measure import label, regionprops

from cryosegment.core.labels.shapes import ellipse


def test_equal_diameters_make_a_disc():
    mask = ellipse(17.0, 17.0, 33.0, np.array([0.3, 0.7]))
    expected = np.zeros(mask.shape, bool)
    middle = mask.shape[0] // 2
    expected[disk((middle + 0.3, middle + 0.7), 8.5)] = True
    assert (mask == expected).all()


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, -50.0, 200.0])
def test_ellipses_are_those_of_scikit_image(angle):
    """An angle turns from the columns' direction towards the first row: against the clock."""
    mask = ellipse(60.0, 25.0, angle, np.array([0.25, 0.5]))
    middle = mask.shape[0] // 2
    expected = np.zeros(mask.shape, bool)
    radians = np.deg2rad(angle)
    expected[
        skimage_ellipse(middle + 0.25, middle + 0.5, 12.5, 30.0, mask.shape, rotation=radians)
    ] = True
    assert (mask & expected).sum() / (mask | expected).sum() > 0.99
    # the farthest pixel lies where the angle says
    rows, columns = np.nonzero(mask)
    x, y = columns - middle - 0.5, rows - middle - 0.25
    tip = np.argmax(x * np.cos(radians) - y * np.sin(radians))
    assert x[tip] == pytest.approx(30 * np.cos(radians), abs=4)
    assert y[tip] == pytest.approx(-30 * np.sin(radians), abs=4)
    (found,) = regionprops(label(mask))
    assert found.major_axis_length == pytest.approx(60, abs=0.5)
    assert found.minor_axis_length == pytest.approx(25, abs=0.5)
