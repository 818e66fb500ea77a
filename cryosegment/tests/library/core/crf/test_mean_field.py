# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.crf.bilateral_grid import bilateral_grid
from cryosegment.core.crf.brute_force import dense_kernel
from cryosegment.core.crf.filters import gaussian_filter
from cryosegment.core.crf.mean_field import mean_field, mean_label
from cryosegment.core.crf.potentials import pairwise_term

GAUSSIAN, BILATERAL = (1.2, 1.5), (0.8, 5.0, 0.7)  # weight, reach (px), reach in the feature


def images(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn(2, size, size, dtype=torch.float64, generator=generator)
    unary = 6 * gaussian_filter(noise[0], 1.5) / 5
    return unary, gaussian_filter(noise[1], 2.0) / 3


def two_label_reference(unary: np.ndarray, feature: np.ndarray, iterations: int) -> np.ndarray:
    """Krähenbühl & Koltun's algorithm 1 with explicit labels and an explicit O(n^2) kernel."""
    height, width = unary.shape
    y, x = (grid.reshape(-1) for grid in np.mgrid[:height, :width])
    value = feature.reshape(-1)
    space = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2
    colour = (value[:, None] - value) ** 2
    kernels = [
        (GAUSSIAN[0], np.exp(-space / (2 * GAUSSIAN[1] ** 2))),
        (
            BILATERAL[0],
            np.exp(-space / (2 * BILATERAL[1] ** 2) - colour / (2 * BILATERAL[2] ** 2)),
        ),
    ]
    energy = np.stack([np.zeros(height * width), -unary.reshape(-1)])
    q = np.exp(-energy) / np.exp(-energy).sum(0)
    for _ in range(iterations):
        total = energy.copy()
        for weight, kernel in kernels:
            scale = kernel.sum(1) ** -0.5
            message = (q * scale) @ kernel * scale
            total += weight * message[::-1]  # Potts: a label pays for the other label's mass
        q = np.exp(-total) / np.exp(-total).sum(0)
    return q[1].reshape(height, width)


@pytest.mark.parametrize("iterations", [0, 1, 2, 10])
def test_iterates_agree_with_two_explicit_labels(iterations: int) -> None:
    unary, feature = images(12)
    valid = torch.ones_like(unary)
    terms = [
        pairwise_term(GAUSSIAN[0], dense_kernel(feature, GAUSSIAN[1]), valid),
        pairwise_term(BILATERAL[0], dense_kernel(feature, *BILATERAL[1:]), valid),
    ]
    found = mean_field(unary, terms, iterations).sigmoid()
    expected = two_label_reference(unary.numpy(), feature.numpy(), iterations)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_fast_filters_agree_with_the_direct_sum() -> None:
    unary, feature = images(40)
    valid = torch.ones_like(unary)
    grid = bilateral_grid(feature, *BILATERAL[1:], valid > 0)
    terms = [
        pairwise_term(GAUSSIAN[0], lambda field: gaussian_filter(field, GAUSSIAN[1]), valid),
        pairwise_term(BILATERAL[0], grid, valid),
    ]
    found = mean_field(unary, terms, 5).sigmoid().numpy()
    expected = two_label_reference(unary.numpy(), feature.numpy(), 5)
    assert np.abs(found - expected).mean() < 0.004
    assert ((found > 0.5) == (expected > 0.5)).mean() >= 0.995
    assert ((unary.numpy() > 0) == (expected > 0.5)).mean() < 0.98  # there was something to do


def test_no_terms_leave_the_unary() -> None:
    unary, _ = images(6)
    assert torch.equal(mean_field(unary, [], 3), unary)


def test_gradients_are_right() -> None:
    unary, feature = images(6)
    term = pairwise_term(1.0, dense_kernel(feature, 2.0, 1.0), torch.ones_like(unary))
    assert torch.autograd.gradcheck(lambda u: mean_field(u, [term], 3), unary.requires_grad_())


def test_mean_label() -> None:
    logits = torch.tensor([-1e4, -2.0, 0.0, 1e4], dtype=torch.float64)
    expected = torch.tanh(logits / 2)
    torch.testing.assert_close(mean_label(logits), expected)
