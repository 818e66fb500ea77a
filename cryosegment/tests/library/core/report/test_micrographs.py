# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.report.micrographs import SHOWN_SIDE, TILE_SIDE, show_micrograph
from cryosegment.core.report.overlays import MarkStyle

SPOT = (700.0, 1500.0)  # y, x in px of the micrograph


def micrograph(height=1200, width=2048, spot=SPOT, radius=30, pixel_size=2.0):
    """Noise with one bright disc."""
    y, x = np.mgrid[:height, :width]
    image = np.random.default_rng(0).normal(size=(height, width))
    image[np.hypot(y - spot[0], x - spot[1]) < radius] += 5
    return Micrograph(torch.from_numpy(image).float(), pixel_size, "m")


def centre_of_light(image):
    """Brightest place at the scale of the disc, px."""
    smooth = gaussian_filter(image.astype(float), 8)
    return np.array(np.unravel_index(smooth.argmax(), smooth.shape))


@pytest.fixture(scope="module")
def shown():
    return show_micrograph(micrograph(), diameter=120)


def test_large_micrographs_are_reduced(shown):
    assert shown.whole.image.shape == (600, SHOWN_SIDE)
    assert shown.whole.factor == 0.5
    assert shown.diameter == 60


def test_marks_lie_where_the_particle_is_seen(shown):
    marks = shown.marks(MarkStyle("a", "red"), np.array([SPOT]), "set")
    assert marks.centers_yx[0] == pytest.approx(centre_of_light(shown.whole.image), abs=1)
    # a pixel of the picture is a mean of two by two, whose centre is half a pixel further
    assert marks.centers_yx.tolist() == [[349.75, 749.75]]
    assert marks.radius == 15
    assert marks.group == "set"
    assert shown.link(np.array(SPOT)).center_yx == pytest.approx(marks.centers_yx[0])


@pytest.mark.parametrize("diameter", [120, 30, 600])
def test_small_pictures_have_the_particle_in_their_middle(diameter):
    """Of particles smaller and larger than the picture, in px."""
    spot = (500.0, 1300.0)
    own = show_micrograph(micrograph(spot=spot, radius=diameter / 4), diameter)
    (tile,) = own.cut(np.array([spot]))
    assert tile.shape == (TILE_SIDE, TILE_SIDE)
    assert centre_of_light(tile) == pytest.approx(((TILE_SIDE - 1) / 2,) * 2, abs=1)


def test_small_pictures_are_grey_beyond_the_border(shown):
    first, last = shown.cut(np.array([[0.0, 0.0], [1199.0, 2047.0]]))
    half = TILE_SIDE // 2
    assert (first[: half - 2] == 128).all()
    assert (first[:, : half - 2] == 128).all()
    assert (last[half + 2 :] == 128).all()
    assert first[half + 2 :, half + 2 :].std() > 5
    assert shown.cut(np.empty((0, 2))) == []


def test_small_micrographs_are_not_enlarged():
    own = show_micrograph(micrograph(height=100, width=160, spot=(50, 60)), diameter=40)
    assert own.whole.image.shape == own.fine.image.shape == (100, 160)
