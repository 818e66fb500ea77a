# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import mean as labelled_mean

from cryosegment.core.simulation.noise import (
    coloured_noise,
    count_electrons,
    radial_power,
    slow_noise,
    white_noise,
)
from cryosegment.exchange.errors import ParameterError


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(11)


def measured_power(image, rings):
    """Mean power in rings of frequency between 0 and 0.5 cycles per pixel."""
    height, width = image.shape
    power = np.abs(np.fft.fft2(image)) ** 2 / image.size
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    return labelled_mean(power, (radius * 2 * rings).astype(int), np.arange(rings))


def test_coloured_noise_has_the_spectrum_asked_for(generator):
    power = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.5])
    noise = coloured_noise(900, 800, power, generator).numpy()
    middle = np.interp(np.arange(10) + 0.5, np.linspace(0, 10, 5), power)
    np.testing.assert_allclose(measured_power(noise, 10), middle, rtol=0.05)


def test_a_flat_spectrum_is_white_noise_of_variance_one(generator):
    flat = coloured_noise(128, 129, torch.ones(2), generator)
    torch.testing.assert_close(flat, white_noise(128, 129, generator.manual_seed(11)))
    assert float(flat.var()) == pytest.approx(1, rel=0.05)


def test_radial_power_interpolates_and_holds_its_end():
    power = radial_power(8, 8, torch.tensor([0.0, 1.0]))
    assert power[0, 2] == pytest.approx(0.5)
    assert power[4, 0] == pytest.approx(1)
    assert power[4, 4] == pytest.approx(1)


def test_slow_noise_has_no_short_waves_and_about_unit_variance():
    noises = [slow_noise(256, 320, 32.0, torch.Generator().manual_seed(i)) for i in range(10)]
    assert noises[0].shape == (256, 320)
    assert float(torch.stack(noises).square().mean()) == pytest.approx(1, abs=0.45)
    step = (noises[0][1:] - noises[0][:-1]).square().mean() / noises[0].var()
    assert step < (2 * np.pi / 32) ** 2


def test_electrons_are_counted_with_poisson_noise(generator):
    intensity = torch.full((200, 200), 0.5)
    counts = count_electrons(intensity, 40.0, generator)
    assert float(counts.mean()) == pytest.approx(20, rel=0.01)
    assert float(counts.var()) == pytest.approx(20, rel=0.05)
    assert bool((counts == counts.round()).all())
    assert bool((intensity == 0.5).all())


def test_negative_intensity_counts_as_none(generator):
    assert float(count_electrons(torch.full((4, 4), -1.0), 10.0, generator).max()) == 0


@pytest.mark.parametrize("dose", [0.0, -1.0])
def test_dose_must_be_positive(dose, generator):
    with pytest.raises(ParameterError, match="dose"):
        count_electrons(torch.ones(2, 2), dose, generator)
