# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from torch import Tensor

from cryosegment.core.images.ice_texture import ice_texture
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.images.working import working_image
from cryosegment.exchange.params import InputParams

DIAMETER = 20.0
SHAPE = (420, 500)


def noise(seed: int = 0) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def waves(shortest: float, longest: float, power: float) -> Tensor:
    """Noise in a band of wavelengths (px), its power `power` times that of white noise there."""
    spectrum = torch.fft.rfft2(noise(1))
    y = torch.fft.fftfreq(SHAPE[0])[:, None]
    frequency = torch.hypot(y, torch.fft.rfftfreq(SHAPE[1]))
    inside = (frequency >= 1 / longest) & (frequency <= 1 / shortest)
    return torch.fft.irfft2(spectrum * inside, s=SHAPE) * power**0.5


def test_white_noise() -> None:
    for seed in range(3):
        found = ice_texture(3 * noise(seed) + 100, DIAMETER)
        assert found is not None
        assert 1 <= found.structure < 1.4
        assert found.mottling == pytest.approx(1.0, abs=0.3)
        assert found.tails == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(("shortest", "longest"), [(40, 80), (20, 40), (10, 20)])
def test_structure_is_the_power_over_that_of_the_noise(shortest: float, longest: float) -> None:
    found = ice_texture(noise() + waves(shortest, longest, 19.0), DIAMETER)
    assert found is not None
    assert found.structure == pytest.approx(20.0, rel=0.35)


def test_mottling_is_the_power_at_long_over_that_at_short_wavelengths() -> None:
    for short, expected in ((0.0, 20.0), (3.0, 5.0)):
        image = noise() + waves(40, 80, 19.0) + waves(10, 20, short)
        found = ice_texture(image, DIAMETER)
        assert found is not None
        assert found.mottling == pytest.approx(expected, rel=0.35)
        assert found.tails == pytest.approx(1.0, abs=0.2)


def test_dark_domains_have_tails() -> None:
    image = waves(30, 80, 20.0)
    domains = torch.where(image < image.quantile(0.1), 4.0, 1.0) * image
    plain, dark = (ice_texture(noise() + each, DIAMETER) for each in (image, domains))
    assert plain is not None
    assert dark is not None
    assert plain.tails < 1.2 < dark.tails


def test_an_enlarged_image_is_compared_with_the_noise_that_it_has() -> None:
    height, width = SHAPE
    enlarged = fourier_crop(noise()[: height // 2, : width // 2].contiguous(), height, width)
    blind, aware = (ice_texture(enlarged, DIAMETER, share) for share in (1.0, 0.5))
    assert blind is not None
    assert aware is not None
    assert aware.structure < 1.4 < blind.structure


def test_where_nothing_can_be_told() -> None:
    assert ice_texture(torch.zeros(SHAPE), DIAMETER) is None
    assert ice_texture(noise()[:70], DIAMETER) is None
    coarse = ice_texture(noise(), 5.0)
    assert coarse is not None
    assert np.isnan(coarse.structure)


def test_a_working_image_has_that_of_its_inside() -> None:
    """The border of constant lines and the scale of the file change nothing."""
    image = (noise() + waves(40, 80, 19.0)).clone()
    bordered = torch.full((SHAPE[0] + 60, SHAPE[1]), 5.0)
    bordered[60:] = image
    found = working_image(Micrograph(bordered, 3.0, "m"), 60.0, InputParams(DIAMETER)).texture
    expected = ice_texture(image, DIAMETER)
    assert found is not None
    assert expected is not None
    assert found.mottling == pytest.approx(expected.mottling, rel=0.1)
    assert found.structure == pytest.approx(expected.structure, rel=0.1)
