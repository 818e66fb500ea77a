# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cryosegment.core.images.normalize import (
    normalize,
    remove_local_mean,
    robust_statistics,
)


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(90, 120, generator=torch.Generator().manual_seed(5))


def masked_mean(image: np.ndarray, valid: np.ndarray, sigma: float) -> np.ndarray:
    """SciPy's Gaussian mean over the valid pixels, nothing beyond the border."""
    blurred = gaussian_filter(image * valid, sigma, mode="constant", truncate=7)
    return blurred / gaussian_filter(valid, sigma, mode="constant", truncate=7)


@pytest.mark.parametrize("sigma", [5.0, 11.0, 20.0])
def test_local_mean_agrees_with_scipy(noise: torch.Tensor, sigma: float) -> None:
    valid = torch.ones(90, 120, dtype=torch.bool)
    valid[:8] = False
    for image in (noise, noise + torch.linspace(0, 30, 120)):
        mean = masked_mean(image.double().numpy(), valid.double().numpy(), sigma)
        error = image - remove_local_mean(image, valid, sigma) - mean
        assert error[valid].std() < 0.02 * mean[valid].std()


def test_no_mask_counts_every_pixel(noise: torch.Tensor) -> None:
    all_valid = torch.ones_like(noise, dtype=torch.bool)
    without, with_mask = (remove_local_mean(noise, mask, 8.0) for mask in (None, all_valid))
    torch.testing.assert_close(without, with_mask)


def test_mean_zero_and_deviation_one(noise: torch.Tensor) -> None:
    valid = torch.zeros_like(noise, dtype=torch.bool)
    valid[20:80, 10:100] = True
    kept = noise.clone()
    result = normalize(noise * 5 + 100, valid)
    assert result[valid].mean() == pytest.approx(0, abs=1e-5)
    assert result[valid].std() == pytest.approx(1, abs=1e-3)
    assert (result[~valid] == 0).all()
    torch.testing.assert_close(noise, kept, atol=0, rtol=0)


def test_outliers_are_cut_and_do_not_flatten(noise: torch.Tensor) -> None:
    spoiled = noise.clone()
    spoiled[:4, :4] = 1000
    result = normalize(spoiled)
    assert result.max() == 4.0
    assert result[10:].std() == pytest.approx(1, abs=0.2)


def test_a_constant_image_becomes_zero() -> None:
    assert (normalize(torch.full((8, 9), 3.0)) == 0).all()


def test_robust_statistics_of_normal_noise() -> None:
    image = torch.randn(1500, 1700, generator=torch.Generator().manual_seed(2)) * 3 + 10
    image[::7, ::5] = 1e6
    median, sd = robust_statistics(image[:, 1:])
    assert median == pytest.approx(10, abs=0.2)
    assert sd == pytest.approx(3, abs=0.2)


def test_robust_statistics_count_valid_pixels_only() -> None:
    image = torch.tensor([[1.0, 2.0, 3.0, 100.0, 100.0, 100.0, 100.0]])
    assert robust_statistics(image, image < 50)[0] == 2
    assert robust_statistics(image)[0] == 100
    assert robust_statistics(image, image > 1000)[0] == 100
