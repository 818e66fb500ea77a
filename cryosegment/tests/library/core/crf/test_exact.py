# SPDX-License-Identifier: GPL-3.0-or-later
import math

import pytest
import torch

from cryosegment.core.crf.energy import BinaryEnergy
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.potentials import PairwiseTerm, pairwise_term
from cryosegment.core.crf.solvers import solve
from cryosegment.core.filters import gaussian_filter
from cryosegment.tests.labelings import (
    all_labelings,
    coupling_matrix,
    energies,
    exact_inference,
    free_energy,
)


def random(seed: int, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(4, 4, dtype=torch.float64, generator=generator)


def dense_terms(seed: int, weight: float) -> list[PairwiseTerm]:
    feature, valid = random(seed), torch.ones(4, 4, dtype=torch.float64)
    return [
        pairwise_term(weight, dense_kernel(feature, 1.5), valid),
        pairwise_term(weight, dense_kernel(feature, 3.0, 0.8), valid),
    ]


def mean_field(unary: torch.Tensor, terms: list[PairwiseTerm], iterations: int) -> torch.Tensor:
    return solve(BinaryEnergy(unary, terms), "mean-field", iterations).logits


def test_all_labelings() -> None:
    expected = {(a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)}
    assert {tuple(row) for row in all_labelings(2).tolist()} == expected
    assert all_labelings(16).shape == (65536, 16)


def test_dense_kernel_by_hand() -> None:
    kernel = dense_kernel(torch.tensor([[0.0, 3.0]], dtype=torch.float64), 1.0, 3.0)
    expected = [[1.0, math.exp(-1.0)], [math.exp(-1.0), 1.0]]
    torch.testing.assert_close(kernel.matrix, torch.tensor(expected, dtype=torch.float64))


def test_energies_are_unary_and_potts_up_to_a_constant() -> None:
    unary = random(0).reshape(-1)
    coupling = coupling_matrix(dense_terms(1, 1.3), 4, 4)
    labels = all_labelings(16)[[0, 5, 4711, 65535]]
    expected = []
    for row in labels.tolist():
        energy = sum(-u for u, s in zip(unary.tolist(), row) if s > 0)
        for i in range(16):
            energy += sum(float(coupling[i, j]) for j in range(i) if row[i] != row[j])
        expected.append(energy)
    found = energies(unary, coupling, labels)
    differences = torch.tensor(expected, dtype=torch.float64) - found
    torch.testing.assert_close(differences, differences[0].expand(4))


def test_exact_inference_of_two_pixels() -> None:
    unary, strength = torch.tensor([0.4, -1.0], dtype=torch.float64), 0.7
    weights = {
        (a, b): math.exp((0.4 * a - 1.0 * b + strength * a * b) / 2)
        for a in (-1, 1)
        for b in (-1, 1)
    }
    partition = sum(weights.values())
    coupling = torch.tensor([[9.0, strength], [strength, 9.0]], dtype=torch.float64)
    log_partition, marginals = exact_inference(unary, coupling)
    assert float(log_partition) == pytest.approx(math.log(partition))
    first = (weights[1, -1] + weights[1, 1]) / partition
    second = (weights[-1, 1] + weights[1, 1]) / partition
    assert marginals.tolist() == pytest.approx([first, second])


def test_independent_pixels_are_exact() -> None:
    unary = random(3, 2.0)
    nothing = torch.zeros(16, 16, dtype=torch.float64)
    log_partition, marginals = exact_inference(unary.reshape(-1), nothing)
    torch.testing.assert_close(marginals, unary.reshape(-1).sigmoid())
    bound = free_energy(unary.reshape(-1), nothing, unary.reshape(-1))
    assert float(bound) == pytest.approx(-float(log_partition))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [0.2, 1.0, 4.0])
def test_mean_field_free_energy_bounds_the_log_partition(seed: int, weight: float) -> None:
    unary, terms = random(seed, 1.5), dense_terms(seed + 10, weight)
    coupling = coupling_matrix(terms, 4, 4)
    log_partition, _ = exact_inference(unary.reshape(-1), coupling)
    bounds = [
        float(free_energy(unary.reshape(-1), coupling, logits.reshape(-1)))
        for logits in (unary, *(mean_field(unary, terms, n) for n in (1, 2, 5, 20)))
    ]
    assert min(bounds) >= -float(log_partition)
    assert bounds[-1] < bounds[0]  # inference gained over the unaries alone


def test_weak_coupling_gives_nearly_exact_marginals() -> None:
    unary, terms = random(5), dense_terms(6, 0.4)
    coupling = coupling_matrix(terms, 4, 4)
    log_partition, marginals = exact_inference(unary.reshape(-1), coupling)
    logits = mean_field(unary, terms, 20).reshape(-1)
    error = (logits.sigmoid() - marginals).abs().max()
    without = (unary.reshape(-1).sigmoid() - marginals).abs().max()
    assert float(error) < 0.02 < float(without)
    gap = free_energy(unary.reshape(-1), coupling, logits) + log_partition
    assert 0 < float(gap) < 0.05


def test_coupling_of_any_engine_is_symmetric() -> None:
    valid = torch.ones(4, 5, dtype=torch.float64)
    term = pairwise_term(2.0, lambda field: gaussian_filter(field, 1.0), valid)
    coupling = coupling_matrix([term], 4, 5)
    torch.testing.assert_close(coupling, coupling.T)
    field = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = term.message(field).reshape(-1)
    torch.testing.assert_close(coupling @ field.reshape(-1), expected)
