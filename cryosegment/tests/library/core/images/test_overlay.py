# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy import ndimage

from cryosegment.core.images.overlay import draw_picks
from cryosegment.core.images.working import WorkingImage
from cryosegment.exchange.coordinates import Coordinates


@pytest.fixture
def working() -> WorkingImage:
    """Grey, with a dark square of 3 x 3 px around (12, 31)."""
    image = torch.zeros(40, 60)
    image[11:14, 30:33] = -3
    return WorkingImage(image, image < 9, 4.0, (2.0, 2.5))


def test_the_image_without_picks(working: WorkingImage) -> None:
    picture = draw_picks(working, Coordinates(np.empty((0, 2)), 2.0, "m"), 40.0)
    assert picture.shape == (80, 120, 3)
    assert (picture == picture[..., :1]).all()
    assert picture[0, 0, 0] == 127
    assert picture.min() == 0


def test_a_circle_around_what_is_picked(working: WorkingImage) -> None:
    """The circle's middle is that of the dark square: nothing is half a pixel off."""
    centers = np.array([[12 * 2.0, 31 * 2.5]])
    picture = draw_picks(working, Coordinates(centers, 2.0, "m", [1.0]), 40.0).astype(int)
    circle = np.argwhere(picture.max(-1) - picture.min(-1) > 40)
    square = ndimage.center_of_mass(picture.max(-1) < 60)
    np.testing.assert_allclose((circle.min(0) + circle.max(0)) / 2, square, atol=0.51)
    assert (circle.max(0) - circle.min(0)).tolist() == pytest.approx([20, 20], abs=2)


def test_green_is_better(working: WorkingImage) -> None:
    for score in (0.1, 0.9):
        coordinates = Coordinates([[40.0, 75.0]], 2.0, "m", [score])
        picture = draw_picks(working, coordinates, 40.0).astype(int)
        _, green, red = picture.reshape(-1, 3)[np.ptp(picture, axis=-1).argmax()]
        assert (green > red) == (score > 0.5)


def test_nothing_is_changed(working: WorkingImage) -> None:
    before = working.image.clone()
    draw_picks(working, Coordinates([[4.0, 5.0]], 2.0, "m"), 40.0)
    assert torch.equal(working.image, before)
