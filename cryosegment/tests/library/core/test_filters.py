# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from cryosegment.core.filters import filter_axis, gaussian_filter, gaussian_taps


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_taps_are_a_gaussian_of_peak_one() -> None:
    taps = gaussian_taps(0.5, torch.zeros((), dtype=torch.float64))
    np.testing.assert_allclose(taps, np.exp([-8, -2, 0, -2, -8]), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("length", [1, 5, 16, 37])
@pytest.mark.parametrize("taps", [1, 3, 41])
def test_filter_axis_agrees_with_scipy(axis: int, length: int, taps: int) -> None:
    shape = [3, 4, 2]
    shape[axis] = length
    values, weights = random(*shape), random(taps)
    expected = correlate1d(values.numpy(), weights.numpy(), axis, mode="constant")
    np.testing.assert_allclose(filter_axis(values, weights, axis), expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.3, 1.5, 8.0])
def test_gaussian_filter_agrees_with_the_direct_sum(sigma: float) -> None:
    field = random(11, 23)
    y, x = np.mgrid[:11, :23]
    squared = (y.reshape(-1, 1) - y.reshape(-1)) ** 2 + (x.reshape(-1, 1) - x.reshape(-1)) ** 2
    expected = np.exp(-squared / (2 * sigma**2)) @ field.numpy().reshape(-1)
    bound = 1e-3 * float(field.abs().sum())  # what lies beyond four sigmas
    np.testing.assert_allclose(gaussian_filter(field, sigma).reshape(-1), expected, atol=bound)


def test_filter_is_differentiable_and_leaves_its_arguments_alone() -> None:
    values, taps = random(5, 6).requires_grad_(), random(3).requires_grad_()
    before = values.detach().clone()
    assert torch.autograd.gradcheck(lambda v, t: filter_axis(v, t, 1), (values, taps))
    assert torch.equal(values, before)


def test_gradient_of_the_reach() -> None:
    field = random(7, 8)
    sigma = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: gaussian_filter(field, s), (sigma,))
