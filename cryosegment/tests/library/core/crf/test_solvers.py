# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.crf.energy import BinaryEnergy, LabelEnergy, potts
from cryosegment.core.crf.exact import dense_kernel
from cryosegment.core.crf.potentials import PairwiseTerm, pairwise_term
from cryosegment.core.crf.solvers import solve
from cryosegment.core.filters import gaussian_filter
from cryosegment.exchange.parts import SOLVERS
from cryosegment.tests.labelings import (
    all_labelings,
    coupling_matrix,
    energies,
    exact_inference,
    free_energy,
)

EVERY = sorted(SOLVERS)
DISCRETE = ("frank-wolfe", "projected-gradient", "icm")


def random(seed: int, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(4, 4, dtype=torch.float64, generator=generator)


def dense_terms(seed: int, weight: float) -> list[PairwiseTerm]:
    feature, valid = random(seed), torch.ones(4, 4, dtype=torch.float64)
    return [
        pairwise_term(weight, dense_kernel(feature, 1.5), valid),
        pairwise_term(weight, dense_kernel(feature, 3.0, 0.8), valid),
    ]


@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize("weight", [0.3, 1.5, 6.0])
@pytest.mark.parametrize("softness", [0.4, 1.0])
def test_objectives_never_rise(solver: str, weight: float, softness: float) -> None:
    """The kernels are positive semi-definite, so the energy is concave."""
    for seed in range(5):
        energy = BinaryEnergy(random(seed, 1.5), dense_terms(seed + 10, weight))
        trace = solve(energy, solver, 15, softness, 0.0).energies
        assert len(trace) == 15
        assert np.diff(trace).max() < 1e-9
        assert trace[-1] < trace[0]


@pytest.mark.parametrize("solver", EVERY)
def test_objectives_of_many_labels_never_rise(solver: str) -> None:
    unary = torch.stack([random(seed, 1.5) for seed in range(3)])
    energy = LabelEnergy(unary, dense_terms(10, 1.5), potts(3).double())
    trace = solve(energy, solver, 15, 0.7, 0.0).energies
    assert np.diff(trace).max() < 1e-9


@pytest.mark.parametrize("solver", ["frank-wolfe", "projected-gradient"])
def test_line_search_lowers_any_energy(solver: str) -> None:
    """A compatibility that rewards differences is not concave."""
    unary, reward = torch.stack([random(1), random(2)]), -3 * potts(2).double()
    energy = LabelEnergy(unary, dense_terms(3, 1.0), reward)
    solution = solve(energy, solver, 30, 1.0, 0.0)
    assert 0 <= solution.q.min() <= solution.q.max() <= 1
    trace = solution.energies
    assert np.diff(trace).max() < 1e-9
    shares = torch.linspace(0, 1, 11, dtype=torch.float64)
    start = energy.start()
    point = energy.conditional(start)
    target = energy.sharp(point) if solver == "frank-wolfe" else energy.stepped(start, point)
    along = [start + share * (target - start) for share in shares]
    assert trace[1] <= min(float(energy.value(q, energy.conditional(q))) for q in along) + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize("weight", [1.0, 2.0, 4.0])
def test_labels_are_never_better_than_the_best_of_all_labellings(
    solver: str, weight: float
) -> None:
    found, best, alone = [], [], []
    for seed in range(6):
        unary, terms = random(seed, 1.5), dense_terms(seed + 20, weight)
        coupling = coupling_matrix(terms, 4, 4)
        every = energies(unary.reshape(-1), coupling, all_labelings(16))
        solution = solve(BinaryEnergy(unary, terms), solver, 30)
        labels = torch.stack([solution.logits.sign(), unary.sign()]).reshape(2, -1)
        reached, without = energies(unary.reshape(-1), coupling, labels).tolist()
        found.append(reached)
        best.append(float(every.min()))
        alone.append(without)
    gaps = np.array(found) - np.array(best)
    assert gaps.min() > -1e-9
    assert np.mean(found) < np.mean(alone)


@pytest.mark.parametrize("solver", DISCRETE)
def test_relaxed_energy_ends_at_a_labelling(solver: str) -> None:
    """A concave energy has its minima at corners; there it is the energy of the labels."""
    unary, terms = random(3, 1.5), dense_terms(30, 2.0)
    energy = BinaryEnergy(unary, terms)
    solution = solve(energy, solver, 60, 1.0, 0.0)
    assert set(solution.q.reshape(-1).tolist()) <= {0.0, 1.0}
    coupling = coupling_matrix(terms, 4, 4)
    labels = (2 * solution.q - 1).reshape(1, -1)
    expected = energies(unary.reshape(-1), coupling, labels)[0] - coupling.diagonal().sum() / 4
    assert solution.energies[-1] == pytest.approx(float(expected))
    assert torch.equal(solution.logits > 0, solution.q > 0.5)


def test_mean_field_energy_bounds_the_partition_function() -> None:
    unary, terms = random(2, 1.5), dense_terms(12, 1.0)
    coupling = coupling_matrix(terms, 4, 4)
    solution = solve(BinaryEnergy(unary, terms), "mean-field", 20, 1.0, 0.0)
    log_partition, marginals = exact_inference(unary.reshape(-1), coupling)
    own = coupling.diagonal().sum() / 4  # a pixel hears itself: v^2 is 1 at a corner only
    bound = free_energy(unary.reshape(-1), coupling, solution.logits.reshape(-1))
    assert -float(log_partition) <= float(bound)
    assert solution.energies[-1] >= -float(log_partition) - float(own)
    start = unary.reshape(-1).sigmoid()
    better = (solution.q.reshape(-1) - marginals).abs().mean()
    assert float(better) < float((start - marginals).abs().mean())


def test_entropic_with_softness_one_is_mean_field() -> None:
    energy = BinaryEnergy(random(1), dense_terms(2, 2.0))
    first, second = (solve(energy, name, 7, 1.0, 0.0) for name in ("mean-field", "entropic"))
    assert torch.equal(first.logits, second.logits)
    assert first.energies == second.energies


@pytest.mark.parametrize(("solver", "softness"), [("entropic", 0.01), ("l2", 0.01)])
def test_little_softness_gives_labels(solver: str, softness: float) -> None:
    energy = BinaryEnergy(random(1), dense_terms(2, 2.0))
    hard = solve(energy, "frank-wolfe", 20)
    soft = solve(energy, solver, 20, softness)
    assert float((soft.q - hard.q).abs().max()) < 0.01


def test_much_softness_keeps_distributions_open() -> None:
    energy = BinaryEnergy(random(1), dense_terms(2, 2.0))
    for solver in ("entropic", "l2"):
        assert float((solve(energy, solver, 20, 50.0).q - 0.5).abs().max()) < 0.06


@pytest.mark.parametrize("solver", EVERY)
def test_stopping_by_energy_change(solver: str) -> None:
    energy = BinaryEnergy(random(4), dense_terms(5, 1.0))
    full, early = (solve(energy, solver, 100, 0.8, bound) for bound in (0.0, 1e-3))
    assert 2 <= len(early.energies) < len(full.energies) == 100
    assert early.energies == full.energies[: len(early.energies)]
    changes = np.abs(np.diff(early.energies))
    assert changes[-1] < 16e-3  # 16 pixels
    assert (changes[:-1] >= 16e-3).all()
    assert solve(energy, solver, 3, 0.8).energies == ()


@pytest.mark.parametrize("solver", EVERY)
def test_no_terms_leave_the_unary(solver: str) -> None:
    unary = random(6)
    assert torch.equal(solve(BinaryEnergy(unary, []), solver, 3).logits, unary)


@pytest.mark.parametrize("solver", EVERY)
def test_solvers_find_a_disc_in_noise(solver: str) -> None:
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    disc = (y - 20) ** 2 + (x - 18) ** 2 < 12**2
    unary = torch.where(disc, 0.8, -0.8) + 1.2 * torch.randn(40, 40, generator=generator)
    kernel = lambda field: gaussian_filter(field, 1.5)  # noqa: E731
    term = pairwise_term(6.0, kernel, torch.ones(40, 40))
    found = solve(BinaryEnergy(unary, [term]), solver, 10, 0.7).logits > 0
    assert (
        float((found == disc).float().mean())
        > 0.97
        > 0.8
        > float(((unary > 0) == disc).float().mean())
    )
