# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a micrograph, against plain arithmetic and SciPy."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from cryosegment.exchange.errors import InputError
from cryosegment.window.image import (
    SIGMA_OF_RESOLUTION,
    Look,
    MicrographImage,
    in_grey,
    low_passed,
    visible,
)
from cryosegment.window.view import View


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def test_pixels_are_where_the_view_says() -> None:
    image = np.zeros((40, 60), np.float32)
    image[12, 30] = 1.0
    view = View(5.0, 2.0, 8.0)
    x, y, picture = visible(Image.fromarray(image), image.shape, view, (400, 300))
    assert (x, y, picture.size) == (0, 0, (400, 300))
    brightest = np.argwhere(np.asarray(picture) == np.asarray(picture).max())
    places = view.on_screen(np.array([[12.0, 30.0]]))[0][::-1]
    np.testing.assert_allclose(brightest.mean(axis=0) + 0.5, places, atol=0.5)


def test_around_a_micrograph_nothing_is_drawn() -> None:
    x, y, picture = MicrographImage(noise(40, 60), 1.0).shown(
        View(-10.0, -20.0, 2.0), (300, 200), Look()
    )
    assert (x, y, picture.size) == (20, 40, (120, 80))
    outside = MicrographImage(noise(40, 60), 1.0).shown(View(70.0, 0.0, 2.0), (30, 20), Look())
    assert outside.picture.size == (1, 1)


def test_small_pictures_are_means_of_blocks() -> None:
    pixels = noise(64, 96)
    shown = visible(
        MicrographImage(pixels, 1.0)._halves[0].reduce(4), (64, 96), View(0, 0, 0.25), (24, 16)
    )
    means = pixels.reshape(16, 4, 24, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(np.asarray(shown.picture), means, atol=1e-5)


def test_maps_of_another_scale_lie_where_they_belong() -> None:
    """The centres of the first pixels meet: pixel 10 of a map of a quarter is pixel 40."""
    small = np.zeros((25, 25), np.float32)
    small[10, 20] = 1
    view = View(0.0, 0.0, 4.0)
    how = Image.Resampling.NEAREST
    picture = visible(Image.fromarray(small), (100, 100), view, (400, 400), how, True).picture
    place = np.argwhere(np.asarray(picture) > 0).mean(axis=0) + 0.5
    np.testing.assert_allclose(place, view.on_screen(np.array([[40.0, 80.0]]))[0][::-1], atol=1)


def test_a_low_pass_is_a_gaussian() -> None:
    values = noise(70, 90)
    inner = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(
        low_passed(values, 2.5)[inner],
        gaussian_filter(values, 2.5, mode="mirror")[inner],
        atol=1e-3,
    )
    assert low_passed(values, 0.1) is values


def test_a_resolution_is_where_amplitudes_are_halved() -> None:
    x = np.arange(4000)
    wave = np.tile(np.cos(2 * np.pi * x / 40).astype(np.float32), (3, 1))
    smooth = low_passed(wave, 40 * SIGMA_OF_RESOLUTION)
    assert smooth[1, 1000:3000].max() == pytest.approx(0.5, abs=0.01)


def test_contrast_spreads_the_grey_levels_around_the_median() -> None:
    values = noise(90, 90) * 7 + 100
    faint, plain, strong = (in_grey(values, contrast).std() for contrast in (-1, 0, 1))
    assert faint < plain < strong
    assert abs(np.median(in_grey(values, 0)) - 127) < 3
    assert in_grey(np.full((9, 9), 5.0), 0).std() == 0


def test_what_is_no_number_is_the_median() -> None:
    pixels = noise(30, 30)
    pixels[3, 4], pixels[5, 6] = np.nan, np.inf
    kept = np.asarray(MicrographImage(pixels[None], 1.0)._halves[0])
    assert kept[3, 4] == kept[5, 6] == np.median(pixels[np.isfinite(pixels)])
    with pytest.raises(InputError, match="one section"):
        MicrographImage(np.zeros((2, 4, 4)), 1.0)
