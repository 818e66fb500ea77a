# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter
from skimage.filters import butterworth

from cryosegment.core.images.front_ends import (
    WIENER_NOISE,
    apply_front_end,
    correct_ctf,
    low_pass,
    median,
)
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.images.working import working_image, working_normalize
from cryosegment.core.optics.ctf import Ctf, wavelength
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import FRONT_ENDS, FrontEndParams, InputParams

ESTIMATE = CtfEstimate(18000.0, 15000.0, 25.0, 300.0, 2.7, 0.1)
CTF = Ctf(18000.0, 15000.0, 25.0, 300.0, 2.7, 0.1)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(90, 75, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def micrograph(image: torch.Tensor) -> Micrograph:
    return Micrograph(100 + 10 * image, 2.0, "noise", ESTIMATE)


def correlation(one: torch.Tensor, other: torch.Tensor | np.ndarray) -> float:
    return float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1])


def textbook_transfer(shape: tuple[int, int], pixel_size: float) -> np.ndarray:
    """Rohou & Grigorieff, J. Struct. Biol. 192 (2015), eqs. 2 to 5, on all frequencies."""
    y, x = np.meshgrid(*(np.fft.fftfreq(side, pixel_size) for side in shape), indexing="ij")
    squared, azimuth = x**2 + y**2, np.arctan2(y, x)
    mean, half = 16500.0, 1500.0
    defocus = mean + half * np.cos(2 * (azimuth - np.deg2rad(25.0)))
    length = wavelength(300.0)
    chi = np.pi * length * squared * (defocus - 0.5 * length**2 * squared * 2.7e7)
    return np.sin(chi + np.arctan(0.1 / np.sqrt(1 - 0.1**2)))


def test_low_pass_agrees_with_scikit_image(image: torch.Tensor) -> None:
    found = low_pass(image, (2.0, 2.0), 12.0).numpy()
    options = {"high_pass": False, "order": 4, "squared_butterworth": True}
    expected = butterworth(image.double().numpy(), 2.0 / 12.0, **options)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_half_of_a_wave_of_the_resolution_passes_along_both_axes() -> None:
    wave = torch.cos(2 * torch.pi * torch.arange(60) / 6).expand(60, 60)
    for plane, sizes in ((wave, (9.0, 2.0)), (wave.T, (2.0, 9.0))):
        assert torch.allclose(low_pass(plane, sizes, 12.0), 0.5 * plane, atol=1e-5)


@pytest.mark.parametrize("amplitudes", [False, True])
def test_a_ctf_is_corrected_as_at_the_micrographs_scale(amplitudes: bool) -> None:
    large = torch.randn(301, 220, generator=torch.Generator().manual_seed(1))
    transfer = textbook_transfer((301, 220), 2.0)
    gain = transfer / (transfer**2 + WIENER_NOISE) if amplitudes else np.sign(transfer)
    corrected = np.fft.ifft2(np.fft.fft2(large.numpy()) * gain).real
    expected = fourier_crop(torch.from_numpy(corrected), 101, 71)
    scale = (301 / 101, 220 / 71)
    sizes = (2.0 * scale[0], 2.0 * scale[1])
    found = correct_ctf(fourier_crop(large, 101, 71), sizes, CTF, amplitudes)
    assert float((found - expected).abs().max()) < 2e-3 * float(expected.abs().max())


@pytest.mark.parametrize("amplitudes", [False, True])
def test_particles_stay_dark_and_gather(amplitudes: bool) -> None:
    y, x = np.mgrid[:128, :128]
    particle = np.hypot(y - 64, x - 64) < 4
    spectrum = np.fft.fft2(particle) * textbook_transfer((128, 128), 4.0)
    seen = torch.from_numpy(-np.fft.ifft2(spectrum).real).float()
    corrected = correct_ctf(seen, (4.0, 4.0), CTF, amplitudes)
    likeness = [correlation(image, ~particle) for image in (seen, corrected)]
    assert likeness[1] > likeness[0] + 0.1


def test_median_agrees_with_scipy(image: torch.Tensor) -> None:
    expected = median_filter(image.numpy(), 5, mode="nearest")
    np.testing.assert_array_equal(median(image).numpy(), expected)


def test_the_choice(image: torch.Tensor, micrograph: Micrograph) -> None:
    def filtered(name: str, resolution: float = 0.0) -> torch.Tensor:
        chosen = FrontEndParams(name, resolution)
        return apply_front_end(image, chosen, micrograph, (3.0, 3.5), 60.0)

    sizes = (6.0, 7.0)
    assert filtered("none") is image
    assert torch.equal(filtered("low-pass", 20.0), low_pass(image, sizes, 20.0))
    assert torch.equal(filtered("low-pass"), low_pass(image, sizes, 12.0))
    assert torch.equal(filtered("ctf-flip"), correct_ctf(image, sizes, CTF))
    assert torch.equal(filtered("ctf-wiener"), correct_ctf(image, sizes, CTF, True))
    assert torch.equal(filtered("median"), median(image))
    results = [filtered(name) for name in FRONT_ENDS]
    assert len({float(result.double().sum()) for result in results}) == len(FRONT_ENDS)


@pytest.mark.parametrize("name", ["ctf-flip", "ctf-wiener"])
def test_a_missing_ctf_is_said(micrograph: Micrograph, name: str) -> None:
    without = replace(micrograph, ctf=None)
    with pytest.raises(InputError, match=f"expected the CTF of noise .* {name}, found none"):
        working_image(without, 40.0, InputParams(10.0, front_end=FrontEndParams(name)))


def test_a_working_image_is_filtered_before_it_is_normalised(micrograph: Micrograph) -> None:
    small = fourier_crop(micrograph.image, 45, 38)
    filtered = low_pass(small, (4.0, 2.0 * 75 / 38), 16.0)
    expected = working_normalize(filtered, None, InputParams(10.0))
    found = working_image(
        micrograph,
        40.0,
        InputParams(10.0, front_end=FrontEndParams("low-pass", 16.0)),
        "dark",
    ).image
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_noise_goes_and_particles_stay_where_they_are(name: str) -> None:
    """Discs in white noise under a CTF that is the same everywhere."""
    y, x = np.mgrid[:320, :320]
    discs = np.hypot(y % 80 - 40, x % 80 - 40) < 14
    noise = np.random.default_rng(2).standard_normal(discs.shape)
    ctf = CtfEstimate(0.0, 0.0, 0.0, 300.0, 0.0, 0.5)
    seen = Micrograph(torch.from_numpy(noise - 0.8 * discs).float(), 2.0, "discs", ctf)
    plain = working_image(seen, 56.0, InputParams(20.0)).image
    found = working_image(seen, 56.0, InputParams(20.0, front_end=FrontEndParams(name))).image
    clean = fourier_crop(torch.from_numpy(-discs.astype(np.float32)), *found.shape)
    gain = correlation(found, clean) - correlation(plain, clean)
    assert gain > (0.1 if name in ("low-pass", "median", "cryosegnet") else -1e-3)
    moved = [torch.roll(clean, step, axis) for axis in (0, 1) for step in (-2, 2)]
    assert all(correlation(found, clean) > correlation(found, other) for other in moved)
