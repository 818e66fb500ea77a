# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of the heads against their formulas, pixel by pixel."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor

from cryosegment.core.networks import HEADS
from cryosegment.core.training.data.targets import PickingTargets
from cryosegment.core.training.fit.objective import total
from cryosegment.core.training.losses.picking import (
    WEIGHTS,
    PickingLoss,
    center_loss,
    offset_distance,
)
from cryosegment.core.training.losses.pixels import cross_entropy, of_known

SHAPE = (2, 5, 7)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def maps(random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets of 0 and 1, known pixels."""
    logits = torch.from_numpy(random.normal(0, 2, SHAPE)).float()
    target, known = (torch.from_numpy(random.integers(0, 2, SHAPE)).float() for _ in range(2))
    return logits, target, known


@pytest.fixture
def targets(random: np.random.Generator) -> PickingTargets:
    binary = [torch.from_numpy(random.integers(0, 2, SHAPE)).float() for _ in range(4)]
    center = torch.from_numpy(random.choice([0, 0.2, 0.9, 1], SHAPE)).float()
    offset = torch.from_numpy(random.normal(0, 0.4, (2, 2, 5, 7))).float()
    return PickingTargets(binary[0], center, binary[1], binary[2], offset, binary[3])


def test_focal_loss_by_its_formula(
    targets: PickingTargets, maps: tuple[Tensor, Tensor, Tensor]
) -> None:
    logits, _, known = maps
    loss, particles = 0.0, 0
    for index in np.ndindex(SHAPE):
        p, y = expit(float(logits[index])), float(targets.center[index])
        if not known[index]:
            continue
        if y == 1:
            particles += 1
            loss -= (1 - p) ** 2 * np.log(p)
        else:
            loss -= (1 - y) ** 4 * p**2 * np.log(1 - p)
    found = center_loss(logits, targets.center, known)
    assert float(found) == pytest.approx(loss / particles, rel=1e-5)


def test_focal_loss_without_particles() -> None:
    logits, nothing = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    expected = 4 * 0.25 * np.log(2)
    found = center_loss(logits, nothing, torch.ones(1, 2, 2))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_offset_distance_by_its_formula(
    targets: PickingTargets, random: np.random.Generator
) -> None:
    offset = torch.from_numpy(random.normal(0, 0.4, (2, 2, 5, 7))).float()
    losses = []
    for b, y, x in np.ndindex(SHAPE):
        if targets.particle[b, y, x] and targets.known[b, y, x]:
            distance = np.abs(offset[b, :, y, x] - targets.offset[b, :, y, x]).numpy()
            losses.append(np.where(distance < 0.2, distance**2 / 0.4, distance - 0.1).sum())
    found = offset_distance(offset, targets)
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_unknown_pixels_do_not_count(targets: PickingTargets) -> None:
    logits = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    total(PickingLoss()(logits, targets)).backward()
    assert not logits.grad.movedim(1, -1)[targets.known == 0].any()
    assert logits.grad.movedim(1, -1)[targets.known == 1].any(1).all()


def test_nothing_known_gives_a_finite_loss(targets: PickingTargets) -> None:
    unknown = PickingTargets(**{**vars(targets), "known": torch.zeros(SHAPE)})
    terms = PickingLoss()(torch.randn(2, 6, 5, 7), unknown)
    assert all(float(value) == 0 for value in terms.values())


def test_every_head_is_compared_with_its_own_target(targets: PickingTargets) -> None:
    """Only the head whose logits change to what is asked for gets a lower term."""
    wanted = {
        "particle": 20 * targets.particle - 10,
        "center": torch.where(targets.center == 1, 10.0, -10.0),
        "offset_y": targets.offset[:, 0],
        "offset_x": targets.offset[:, 1],
        "edge": 20 * targets.edge - 10,
        "contamination": 20 * targets.contamination - 10,
    }
    start = torch.zeros(2, 6, 5, 7)
    before = PickingLoss()(start, targets)
    for channel, head in enumerate(HEADS):
        logits = start.clone()
        logits[:, channel] = wanted[head]
        after = PickingLoss()(logits, targets)
        term = head.split("_")[0]
        assert after[term] < before[term]
        assert all(torch.equal(after[name], before[name]) for name in WEIGHTS if name != term)


def test_total_is_the_weighted_sum(targets: PickingTargets) -> None:
    logits = torch.randn(2, 6, 5, 7)
    terms = PickingLoss()(logits, targets)
    edge = of_known(cross_entropy, logits[:, 4], targets.edge, targets.known)
    torch.testing.assert_close(terms["edge"], WEIGHTS["edge"] * edge)
    assert float(total(terms)) == pytest.approx(sum(float(value) for value in terms.values()))


def test_half_precision_logits_are_compared_in_single(targets: PickingTargets) -> None:
    logits = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert PickingLoss()(logits, targets) == PickingLoss()(logits.float(), targets)
