# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
import torch

from cryosegment.core.crf.bilateral_grid import bilateral_grid
from cryosegment.core.crf.energy import BinaryEnergy, LabelEnergy, potts, sparsemax
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.potentials import PairwiseTerm, pairwise_term
from cryosegment.core.crf.solvers import solve
from cryosegment.core.filters import gaussian_filter
from cryosegment.exchange.parts import SOLVERS
from cryosegment.tests.labelings import coupling_matrix

GAUSSIAN, BILATERAL = (1.2, 1.5), (0.8, 5.0, 0.7)  # weight, reach (px), reach in the feature


def images(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn(2, size, size, dtype=torch.float64, generator=generator)
    unary = 6 * gaussian_filter(noise[0], 1.5) / 5
    return unary, gaussian_filter(noise[1], 2.0) / 3


def mean_field(unary: torch.Tensor, terms: list[PairwiseTerm], iterations: int) -> torch.Tensor:
    return solve(BinaryEnergy(unary, terms), "mean-field", iterations).logits


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


@pytest.mark.parametrize("iterations", [1, 2, 10])
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


def random_distributions(labels: int, size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(labels)
    noise = torch.randn(labels, size, size, dtype=torch.float64, generator=generator)
    return torch.softmax(2 * noise, 0)


def terms_of(feature: torch.Tensor) -> list[PairwiseTerm]:
    valid = torch.ones_like(feature)
    return [
        pairwise_term(1.3, dense_kernel(feature, 1.5), valid),
        pairwise_term(0.6, dense_kernel(feature, 3.0, 0.8), valid),
    ]


def test_energy_of_many_labels_is_the_sum_over_pairs() -> None:
    unary, feature = torch.randn(3, 4, 5, dtype=torch.float64), torch.randn(4, 5).double()
    costs = torch.tensor([[0.1, 1.0, 2.0], [1.0, 0.0, 0.5], [2.0, 0.5, -0.2]]).double()
    energy = LabelEnergy(unary, terms_of(feature), costs)
    labels = torch.randint(3, (4, 5))
    q = torch.nn.functional.one_hot(labels, 3).movedim(-1, 0).double()
    coupling = coupling_matrix(terms_of(feature), 4, 5)
    flat = labels.reshape(-1)
    pairs = 0.5 * (coupling * costs[flat][:, flat]).sum()
    expected = unary.reshape(3, -1).gather(0, flat[None]).sum() + pairs
    assert float(energy.value(q, energy.conditional(q))) == pytest.approx(float(expected))


@pytest.mark.parametrize("labels", [2, 4])
def test_conditional_logits_are_minus_the_gradient(labels: int) -> None:
    q = random_distributions(labels, 4).requires_grad_()
    unary = torch.randn(labels, 4, 4, dtype=torch.float64)
    costs = torch.randn(labels, labels).double()
    energy = LabelEnergy(unary, terms_of(torch.randn(4, 4).double()), costs + costs.T)
    logits = energy.conditional(q)
    (gradient,) = torch.autograd.grad(energy.value(q, logits), q)
    torch.testing.assert_close(-gradient, logits)


def test_two_labels_agree_with_their_scalar_field() -> None:
    unary, feature = images(6)
    terms = terms_of(feature)
    binary = BinaryEnergy(unary, terms)
    general = LabelEnergy(torch.stack([unary / 2, -unary / 2]), terms, potts(2).double())
    for solver in SOLVERS:
        for steps in (1, 2, 6):
            one = solve(binary, solver, steps, 0.7, 0.0)
            two = solve(general, solver, steps, 0.7, 0.0)
            torch.testing.assert_close(two.logits[1] - two.logits[0], one.logits)
            torch.testing.assert_close(two.q[1], one.q)
            falls = [np.diff(found.energies) for found in (one, two)]
            np.testing.assert_allclose(*falls, atol=1e-9)


def test_sparsemax_is_the_projection() -> None:
    point = torch.randn(3, 2, 2, dtype=torch.float64) * 2
    found = sparsemax(point)
    torch.testing.assert_close(found.sum(0), torch.ones(2, 2).double())
    assert float(found.min()) >= 0
    for other in random_distributions(3, 2).expand(5, -1, -1, -1):
        worse = (point - other).square().sum(0)
        assert bool(((point - found).square().sum(0) <= worse).all())
        # the obtuse angle that marks a projection on a convex set
        assert bool((((point - found) * (other - found)).sum(0) <= 1e-12).all())
    binary = BinaryEnergy(torch.zeros(2, 2).double(), [])
    logits = 3 * torch.randn(2, 2, dtype=torch.float64)
    two = LabelEnergy(torch.zeros(2, 2, 2).double(), [], potts(2).double())
    torch.testing.assert_close(
        binary.sparse(logits), two.sparse(torch.stack([-logits / 2, logits / 2]))[1]
    )


def test_entropy_and_norm() -> None:
    q = torch.tensor([[0.25]]).double()
    binary = BinaryEnergy(torch.zeros(1, 1).double(), [])
    general = LabelEnergy(torch.zeros(2, 1, 1).double(), [], potts(2).double())
    both = torch.stack([1 - q, q])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert float(binary.entropy(q)) == pytest.approx(entropy)
    assert float(general.entropy(both)) == pytest.approx(entropy)
    assert float(binary.half_square(q)) == pytest.approx(0.3125)
    assert float(general.half_square(both)) == pytest.approx(0.3125)
