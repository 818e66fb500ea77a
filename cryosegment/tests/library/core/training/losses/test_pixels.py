# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses against MONAI, their formulas, and all sets of wrong pixels."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import FocalLoss
from monai.losses.tversky import TverskyLoss
from scipy.special import expit
from torch import Tensor
from torch.nn import functional

from cryosegment.core.parts import load_part
from cryosegment.core.training.losses.pixels import of_known
from cryosegment.exchange.parts import LOSSES

SHAPE = (2, 5, 7)
SMOOTH = {"sigmoid": True, "batch": True, "smooth_nr": 1.0, "smooth_dr": 1.0}
HALF = {**SMOOTH, "smooth_nr": 0.5, "smooth_dr": 0.5}
DICE = DiceLoss(**SMOOTH)
JACCARD = DiceLoss(jaccard=True, **{**SMOOTH, "smooth_nr": 2.0, "smooth_dr": 2.0})
TVERSKY = TverskyLoss(alpha=0.3, beta=0.7, **HALF), TverskyLoss(alpha=0.7, beta=0.3, **HALF)
OVERLAPS = {
    "dice": (DICE, DICE, 1.0),
    "jaccard": (JACCARD, JACCARD, 1.0),
    "tversky": (*TVERSKY, 1.0),
    "focal-tversky": (*TVERSKY, 0.75),
}
"""MONAI's loss of particles, of background, and the power that both are taken to."""


@pytest.fixture
def maps() -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets of 0 and 1, known pixels."""
    random = np.random.default_rng(0)
    logits = torch.from_numpy(random.normal(0, 2, SHAPE)).float()
    target, known = (torch.from_numpy(random.integers(0, 2, SHAPE)).float() for _ in range(2))
    return logits, target, known


def everywhere(name: str, logits: Tensor, target: Tensor) -> Tensor:
    return of_known(load_part(LOSSES[name]), logits, target, torch.ones_like(target))


@pytest.mark.parametrize("name", OVERLAPS)
def test_overlaps_are_monais_of_both_classes(
    name: str, maps: tuple[Tensor, Tensor, Tensor]
) -> None:
    logits, target = (plane[:, None] for plane in maps[:2])
    of_particles, of_background, power = OVERLAPS[name]
    losses = of_particles(logits, target), of_background(-logits, 1 - target)
    expected = sum(loss**power for loss in losses) / 2
    torch.testing.assert_close(everywhere(name, maps[0], maps[1]), expected)


def test_focal_is_monais(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, target, _ = maps
    expected = FocalLoss(gamma=2.0)(logits[:, None], target[:, None])
    torch.testing.assert_close(everywhere("focal", logits, target), expected)


def test_cross_entropy(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, target, known = (plane.double().numpy() for plane in maps)
    probability = expit(logits)
    right = np.where(target == 1, probability, 1 - probability)
    expected = -np.log(right)[known == 1].mean()
    assert float(of_known(load_part(LOSSES["bce"]), *maps)) == pytest.approx(expected, rel=1e-5)


def test_smoothed_cross_entropy_is_torchs(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, target, _ = maps
    both = torch.stack((torch.zeros_like(logits), logits), 1)
    expected = functional.cross_entropy(both, target.long(), label_smoothing=0.1)
    torch.testing.assert_close(everywhere("smoothed-bce", logits, target), expected)


def test_dice_of_particles_is_added_to_cross_entropy(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, target, _ = maps
    expected = everywhere("bce", logits, target) + DICE(logits[:, None], target[:, None])
    torch.testing.assert_close(everywhere("bce+dice", logits, target), expected)


def test_all_particle_is_no_better_than_not_knowing() -> None:
    """Of an overlap of particles alone it is, and a fresh network goes there."""
    target = torch.zeros(1, 10, 10)
    target[:, :3] = 1
    for name in (*OVERLAPS, "lovasz"):
        losses = [float(everywhere(name, 0 * target + level, target)) for level in (0.0, 20.0)]
        assert losses[0] <= losses[1] + 1e-3, name


def test_lovasz_by_its_definition(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    """Errors times what the Jaccard loss of a set of wrong pixels gains by each (Bach, 2013)."""
    logits, target, _ = maps
    truth = target.flatten().numpy() == 1
    errors = np.abs(truth - expit(logits.double().flatten().numpy()))
    order = np.argsort(-errors)

    def jaccard_loss(wrong: np.ndarray) -> float:
        predicted = truth.copy()
        predicted[wrong] = ~truth[wrong]
        pairs = ((predicted, truth), (~predicted, ~truth))
        return 1 - np.mean([(one & other).sum() / (one | other).sum() for one, other in pairs])

    rises = [jaccard_loss(order[:end]) for end in range(len(order) + 1)]
    expected = sum(errors[i] * (b - a) for i, (a, b) in zip(order, pairwise(rises), strict=True))
    found = float(everywhere("lovasz", logits, target))
    assert found == pytest.approx(expected, rel=1e-5)


def test_lovasz_of_a_sure_map_is_its_jaccard_loss() -> None:
    target = torch.tensor([[[1.0, 1, 1, 0, 0, 0]]])
    logits = 50 * torch.tensor([[[1.0, 1, -1, 1, -1, -1]]])
    assert float(everywhere("lovasz", logits, target)) == pytest.approx(1 - 2 / 4)


@pytest.mark.parametrize("name", LOSSES)
def test_unknown_pixels_do_not_count(name: str, maps: tuple[Tensor, Tensor, Tensor]) -> None:
    """The value is that of the known pixels alone; elsewhere there is no gradient."""
    logits, target, known = maps
    chosen = known == 1
    line = [plane[chosen][None, None] for plane in (logits, target)]
    logits = torch.where(chosen, logits, 7.0).requires_grad_()
    found = of_known(load_part(LOSSES[name]), logits, target, known)
    torch.testing.assert_close(found.detach(), everywhere(name, *line))
    found.backward()
    assert not logits.grad[~chosen].any()
    assert logits.grad[chosen].any()


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_leads_to_the_target(name: str, maps: tuple[Tensor, Tensor, Tensor]) -> None:
    """A few steps down make every loss smaller; at the target all are small and finite."""
    logits, target, _ = maps
    logits = logits.clone().requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=1.0)
    start = float(everywhere(name, logits, target).detach())
    for _ in range(20):
        optimizer.zero_grad()
        loss = everywhere(name, logits, target)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < start
    sure = (200 * target - 100).requires_grad_()
    loss = everywhere(name, sure, target)
    loss.backward()
    assert sure.grad.isfinite().all()
    if name != "smoothed-bce":
        assert float(loss.detach()) < 1e-4


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_known_gives_no_loss(name: str, maps: tuple[Tensor, Tensor, Tensor]) -> None:
    logits = maps[0].requires_grad_()
    loss = of_known(load_part(LOSSES[name]), logits, maps[1], torch.zeros(SHAPE))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not logits.grad.any()
