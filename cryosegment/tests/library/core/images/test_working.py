# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
import torch
from scipy.signal import resample

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import working_image, working_normalize
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import InputParams

PIXEL_SIZE = 2.0
DIAMETER = 80.0  # 40 px
SEEN = InputParams(20.0)
EARLIER = InputParams(20.0, noise=None, clip=4.0)
SCALE = 0.5  # to 20 px


@pytest.fixture
def micrograph() -> Micrograph:
    """Dark discs of 40 px, centres at (50, 60) + multiples of 100 px, in noise."""
    generator = torch.Generator().manual_seed(6)
    y, x = torch.meshgrid(torch.arange(600.0), torch.arange(500.0), indexing="ij")
    inside = ((y % 100 - 50) ** 2 + (x % 100 - 60) ** 2) < 20**2
    noise = torch.randn(600, 500, generator=generator)
    return Micrograph(1000 + 10 * noise - 20 * inside, PIXEL_SIZE, "discs")


def test_scale_and_shape(micrograph: Micrograph) -> None:
    working = working_image(micrograph, DIAMETER, SEEN)
    assert working.image.shape == working.valid.shape == (300, 250)
    assert working.pixel_size == pytest.approx(4.0)
    assert working.scale_yx == (2.0, 2.0)
    assert working.valid.all()


def test_rounded_shapes_keep_both_scales(micrograph: Micrograph) -> None:
    working = working_image(micrograph, 71.0, SEEN)
    assert working.image.shape == (338, 282)
    assert working.scale_yx == (600 / 338, 500 / 282)
    assert working.micrograph_shape == (600, 500)
    assert working.in_pixels(71.0) == pytest.approx(20, rel=1e-3)
    corner = np.array([[338.0, 282.0]])  # where the micrograph ends
    np.testing.assert_allclose(working.in_micrograph(corner), [[600, 500]])
    np.testing.assert_allclose(working.from_micrograph(np.array([[600.0, 500.0]])), corner)


def test_agrees_with_scipy_and_normalisation(micrograph: Micrograph) -> None:
    image = resample(resample(micrograph.image.double().numpy(), 300, axis=0), 250, axis=1)
    image = torch.from_numpy(image.astype(np.float32))
    for seen in (SEEN, EARLIER):
        expected = working_normalize(image, None, seen)
        found = working_image(micrograph, DIAMETER, seen, "dark").image
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert found.abs().max() <= 4  # as models of earlier versions want it
    assert found.std() == pytest.approx(1, abs=0.01)


def test_particles_are_dark_whatever_they_were(micrograph: Micrograph) -> None:
    bright = Micrograph(-micrograph.image, PIXEL_SIZE, "bright")
    images = [
        working_image(micrograph, DIAMETER, SEEN).image,
        working_image(bright, DIAMETER, SEEN).image,
        working_image(bright, DIAMETER, SEEN, "bright").image,
    ]
    assert images[0][25, 30] < -0.5  # the first disc's centre
    for image in images[1:]:
        torch.testing.assert_close(image, images[0], atol=1e-4, rtol=0)


def test_contrast_as_given_is_believed(micrograph: Micrograph) -> None:
    wrong = working_image(micrograph, DIAMETER, SEEN, "bright").image
    torch.testing.assert_close(wrong, -working_image(micrograph, DIAMETER, SEEN, "dark").image)


def test_hot_pixels_leave_no_trace(micrograph: Micrograph) -> None:
    hot = micrograph.image.clone()
    hot[123, 45] = 1e7
    clean = working_image(micrograph, DIAMETER, SEEN, "dark").image
    found = working_image(Micrograph(hot, PIXEL_SIZE, "hot"), DIAMETER, SEEN, "dark").image
    assert (found - clean).abs().max() < 4
    assert (found - clean)[100:].abs().max() < 0.1


def test_dead_border_is_invalid_and_zero(micrograph: Micrograph) -> None:
    image = micrograph.image.clone()
    image[:30] = image[30]
    image[:, 480:] = 0
    working = working_image(Micrograph(image, PIXEL_SIZE, "border"), DIAMETER, SEEN, "dark")
    rows, columns = torch.nonzero(working.valid).T
    assert (int(rows.min()), int(rows.max())) == (16, 299)
    assert (int(columns.min()), int(columns.max())) == (0, 239)
    assert (working.image[~working.valid] == 0).all()
    assert working.image[working.valid].mean() == pytest.approx(0, abs=0.1)


def test_what_the_dead_border_holds_does_not_matter(micrograph: Micrograph) -> None:
    images = []
    for value in (float(micrograph.image.median()), 0.0, 5000.0):
        image = micrograph.image.clone()
        image[:30] = image[570:] = value
        image[:, :20] = image[:, 470:] = value
        images.append(working_image(Micrograph(image, PIXEL_SIZE, "x"), DIAMETER, SEEN).image)
    for image in images[1:]:
        torch.testing.assert_close(image, images[0], atol=0.05, rtol=0)


def test_a_coarse_micrograph_is_enlarged(micrograph: Micrograph) -> None:
    working = working_image(micrograph, 20.0, SEEN)  # 10 px
    assert working.image.shape == (1200, 1000)
    assert working.scale_yx == (0.5, 0.5)


@pytest.mark.slow
def test_diameters_that_hardly_fit() -> None:
    """More than a quarter of the shorter side, 900 px of 2 Å, or less than 1/200 of it."""
    noise = torch.randn(900, 1000, generator=torch.Generator().manual_seed(2))
    micrograph = Micrograph(noise, 2.0, "noise")
    for diameter in (450.0, 9.0):
        assert working_image(micrograph, diameter, InputParams(4.0)).notes == ()
    text = "451 Å are 225.5 px of a micrograph of 900 x 1000 px: check pixel size and diameter"
    assert working_image(micrograph, 451.0, InputParams(4.0)).notes == (text,)
    (note,) = working_image(micrograph, 8.9, InputParams(4.0)).notes
    assert note.startswith("8.9 Å are 4.45 px")


def test_a_wide_border_is_told(micrograph: Micrograph) -> None:
    image = micrograph.image.clone()
    image[:50] = 0
    told = working_image(Micrograph(image, PIXEL_SIZE, "x", notes=("read",)), DIAMETER, SEEN)
    assert told.notes == ("read",)
    image[:61] = 0
    told = working_image(Micrograph(image, PIXEL_SIZE, "x", notes=("read",)), DIAMETER, SEEN)
    assert told.notes == (
        "read",
        "more than 10% of it is a dead border, where nothing is picked",
    )


@pytest.mark.parametrize("unit", [1e-32, 1e32])
def test_grey_levels_have_any_unit(micrograph: Micrograph, unit: float) -> None:
    scaled = Micrograph(micrograph.image.double().mul(unit).float(), PIXEL_SIZE, "x")
    working = working_image(scaled, DIAMETER, SEEN)
    expected = working_image(micrograph, DIAMETER, SEEN)
    torch.testing.assert_close(working.image, expected.image, atol=1e-3, rtol=0)
    assert torch.equal(working.valid, expected.valid)


def test_argument_is_kept(micrograph: Micrograph) -> None:
    before = micrograph.image.clone()
    working_image(micrograph, DIAMETER, SEEN)
    assert torch.equal(micrograph.image, before)


def test_few_electrons_have_a_scale_too() -> None:
    """More than half of the pixels are 0, so the median deviation is 0 as well."""
    rate = torch.full((256, 256), 0.3)
    counts = torch.poisson(rate, generator=torch.Generator().manual_seed(0))
    working = working_image(Micrograph(counts, PIXEL_SIZE, "counts"), DIAMETER, SEEN)
    assert working.image.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("diameter", "pixels", "contrast", "message"),
    [
        (1002.0, 20.0, "auto", "501.0 px of discs, more than its 600 x 500 px"),
        (7.9, 20.0, "auto", "at least 4 px"),
        (8.0, 600.0, "auto", "working image of 90000 x 75000 px"),
        (0.0, 20.0, "auto", "diameter above 0"),
        (math.nan, 20.0, "auto", "diameter above 0"),
        (80.0, 0.0, "auto", "pixels per diameter to be at least 1"),
        (80.0, 20.0, "black", "expected contrast auto, dark, bright, got 'black'"),
    ],
)
def test_what_cannot_be_is_said(
    micrograph: Micrograph, diameter: float, pixels: float, contrast: str, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        working_image(micrograph, diameter, InputParams(pixels), contrast)
