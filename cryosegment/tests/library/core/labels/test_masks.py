# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from cryosegment.core.labels.masks import mask_image
from cryosegment.exchange.labels import BACKGROUND, EDGE, PARTICLE


@pytest.fixture
def footprint():
    """A blob with a bay and a hole, of even side."""
    noise = np.random.default_rng(3).normal(size=(40, 40))
    rows, columns = np.mgrid[:40, :40] - 19.5
    blob = ndimage.gaussian_filter(noise, 3) * 12 + 12 - np.hypot(rows, columns)
    return blob > 0


@pytest.mark.parametrize("edge_px", [0.0, 1.0, 2.5, 5.0, 30.0])
def test_the_edge_lies_outside_the_signal_up_to_its_width(footprint, edge_px):
    found = mask_image(footprint, np.array([60.0, 60.0]), 120, edge_px)
    signal = np.zeros((120, 120), bool)
    signal[40:80, 40:80] = footprint
    distance = ndimage.distance_transform_edt(~signal)
    expected = np.where(signal, PARTICLE, np.where(distance <= edge_px, EDGE, BACKGROUND))
    np.testing.assert_array_equal(found, expected)


def test_an_edge_as_wide_as_that_of_particleseg(footprint):
    """Its 11 x 11 kernel reaches 5 px along the axes and 7 px along the diagonals."""
    found = mask_image(footprint, np.array([40.0, 40.0]), 80, 5.0)
    signal = found == PARTICLE
    kernel = np.full((11, 11), -1)
    kernel[5, 5] = 120
    theirs = ndimage.convolve(np.where(signal, 1, 2), kernel, mode="reflect") > 0
    assert not (theirs & signal).any()
    assert ((found == EDGE) <= theirs).all()
    assert (found == EDGE).sum() / theirs.sum() >= 0.75


@pytest.mark.parametrize("anchor", [(3.9, 30.2), (47.0, 2.0), (-14.0, 20.0), (-90.0, 20.0)])
def test_what_lies_beyond_the_image_is_cut_off(footprint, anchor):
    """Nothing at the image's border counts as the border of the particle."""
    wide = mask_image(footprint, np.array(anchor) + 200, 448, 4.0)
    found = mask_image(footprint, np.array(anchor), 48, 4.0)
    np.testing.assert_array_equal(found, wide[200:248, 200:248])
