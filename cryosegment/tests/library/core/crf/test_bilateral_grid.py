# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.crf.bilateral_grid import bilateral_grid
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.potentials import pairwise_term
from cryosegment.core.filters import gaussian_filter

SIZE = 56


def smooth_noise(seed: int, sigma: float = 2.0) -> torch.Tensor:
    noise = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    smooth = gaussian_filter(noise, sigma)
    return smooth / smooth.std()


def everywhere() -> torch.Tensor:
    return torch.ones(SIZE, SIZE, dtype=torch.bool)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0, 8.0, 13.0, 40.0])
@pytest.mark.parametrize("feature_sigma", [0.2, 1.0, 5.0])
def test_normalised_filter_agrees_with_the_dense_kernel(sigma: float, feature_sigma: float) -> None:
    feature, field = smooth_noise(0), torch.tanh(smooth_noise(1) * 2)
    valid = torch.ones_like(field)
    grid = bilateral_grid(feature, sigma, feature_sigma, valid > 0)
    dense = dense_kernel(feature, sigma, feature_sigma)
    found = pairwise_term(1.0, grid, valid).message(field)
    expected = pairwise_term(1.0, dense, valid).message(field)
    assert float((found - expected).square().mean().sqrt()) < 0.025
    assert float((found - expected).abs().max()) < 0.15


def test_kernel_is_symmetric() -> None:
    grid = bilateral_grid(smooth_noise(0), 6.0, 0.7, everywhere())
    first, second = smooth_noise(1), smooth_noise(2)
    one, other = (grid(first) * second).sum(), (grid(second) * first).sum()
    assert float(one) == pytest.approx(float(other), rel=1e-4)


def test_far_features_do_not_mix() -> None:
    feature = torch.zeros(SIZE, SIZE)
    feature[:, SIZE // 2 :] = 8.0
    field = torch.zeros(SIZE, SIZE)
    field[:, SIZE // 2 :] = 1.0
    filtered = bilateral_grid(feature, 6.0, 1.0, everywhere())(field)
    assert float(filtered[:, : SIZE // 2].abs().max()) < 1e-6
    assert float(filtered[:, SIZE // 2 :].min()) > 10


def test_constant_feature_is_a_gaussian_filter() -> None:
    field = smooth_noise(3)
    found = bilateral_grid(torch.full((SIZE, SIZE), 7.5), 1.0, 0.1, everywhere())(field)
    torch.testing.assert_close(found, gaussian_filter(field, 1.0), atol=0.05, rtol=0)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6, 1e30])
def test_any_range_of_features_gives_a_small_grid(scale: float) -> None:
    grid = bilateral_grid(smooth_noise(0) * scale, 8.0, 1.0, everywhere())
    assert grid.shape[2] <= 64
    assert bool(grid(torch.ones(SIZE, SIZE)).isfinite().all())


def test_features_of_invalid_pixels_do_not_matter() -> None:
    feature, valid = smooth_noise(0), everywhere()
    valid[:, :20] = False
    spoiled = torch.where(valid, feature, torch.nan)
    field = smooth_noise(1) * valid
    found = bilateral_grid(spoiled, 5.0, 1.0, valid)(field)
    expected = bilateral_grid(feature.where(valid, feature[valid].min()), 5.0, 1.0, valid)(field)
    assert torch.equal(found[valid], expected[valid])
