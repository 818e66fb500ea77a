# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.training.fit.schedule import has_stalled, learning_rate, next_validation

STEPS = 200


def torch_rates(schedule: torch.optim.lr_scheduler.LRScheduler) -> list[float]:
    rates = []
    for _ in range(STEPS):
        rates.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return rates


def test_cosine_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=0.02)
    rates = [learning_rate("cosine", step / STEPS, 2.0) for step in range(STEPS)]
    assert rates == pytest.approx(torch_rates(annealing))


def test_one_cycle() -> None:
    quarter = 0.5 + 0.5 * 0.5**0.5
    rates = [learning_rate("one-cycle", share, 1.0) for share in (0, 0.05, 0.1, 0.325, 0.55, 1.0)]
    assert rates == pytest.approx([0.04, 0.52, 1, 0.01 + 0.99 * quarter, 0.01 + 0.99 * 0.5, 0.01])


def test_a_steady_rate_falls_at_the_end() -> None:
    shares = (0.0, 0.005, 0.01, 0.5, 0.8, 0.9, 1.0)
    rates = [learning_rate("steady", share, 2.0) for share in shares]
    assert rates == pytest.approx([0.02, 1.0, 2.0, 2.0, 2.0, 1.0, 0.02])


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0.25), (0.24, 0.25), (0.25, 0.5), (0.8, 1.0), (1.0, 1.0)]
)
def test_validations_are_evenly_spread(share: float, expected: float) -> None:
    assert next_validation(share, 4) == expected


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ([0.1, 0.2, 0.2], 1, True),
        ([0.1, 0.2, 0.2], 2, False),
        ([0.3, 0.2, 0.1], 2, True),
        ([0.3, 0.2, 0.4], 1, False),
        ([0.3, 0.2, 0.1], 0, False),
        ([], 1, False),
    ],
)
def test_a_training_has_stalled(scores: list[float], patience: int, expected: bool) -> None:
    assert has_stalled(scores, patience) is expected
