# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.particles.losses import ClassTargets, QualityTargets, class_loss, quality_loss


def test_class_loss_against_arithmetic() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(2, 4, 5, 6))
    classes = random.integers(0, 3, (2, 5, 6))
    terms = class_loss(torch.from_numpy(logits), ClassTargets(torch.from_numpy(classes)))
    odds = np.exp(logits[:, :3])
    p = odds / odds.sum(1, keepdims=True)
    hot = np.moveaxis(np.eye(3)[classes], -1, 1)
    assert float(terms["classes"]) == pytest.approx(-np.log((p * hot).sum(1)).mean())
    ious = [
        ((p[:, k] * hot[:, k]).sum() + 1) / ((p[:, k] + hot[:, k] - p[:, k] * hot[:, k]).sum() + 1)
        for k in range(3)
    ]
    assert float(terms["overlap"]) == pytest.approx(1 - np.mean(ious))


def test_quality_is_learnt_in_the_middle_and_everywhere() -> None:
    logits = torch.zeros(2, 4, 9, 9)
    logits[:, 3] = -2.0
    logits[0, 3, 3:6, 3:6] = 3.0
    cores = torch.zeros(2, 9, 9, dtype=torch.bool)
    cores[0, 3:6, 3:6] = True
    good = torch.tensor([True, False])
    targets = QualityTargets(torch.zeros(2, 9, 9, dtype=torch.int64), good, cores)
    terms = quality_loss(logits, targets)
    miss = {3.0: np.log1p(np.exp(-3)), -2.0: np.log1p(np.exp(-2))}
    assert float(terms["good"]) == pytest.approx((miss[3.0] + miss[-2.0]) / 2)
    assert float(terms["cores"]) == pytest.approx((9 * miss[3.0] + 153 * miss[-2.0]) / 162)
