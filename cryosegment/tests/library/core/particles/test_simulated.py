# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from torch import nn

from cryosegment.core.particles.classes import BACKGROUND, EDGE, SIGNAL
from cryosegment.core.particles.overlap import confusion, overlap_of
from cryosegment.core.particles.simulated import (
    ParticleBatches,
    ParticleValidation,
    calibrate_quality,
    class_offsets,
)
from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, SIDE, ProjectionBank
from cryosegment.core.simulation.particle_images import ParticleSettings


@pytest.fixture(scope="module")
def bank() -> ProjectionBank:
    """Balls that fill their diameter."""
    axis = torch.arange(SIDE) - SIDE // 2
    ball = (axis[:, None] ** 2 + axis**2 <= (PIXELS_PER_DIAMETER / 2) ** 2).float()
    views = ball.expand(1, 2, SIDE, SIDE)
    return ProjectionBank(views, views, torch.tensor([200.0]))


def test_batches_are_a_function_of_the_step(bank: ProjectionBank) -> None:
    batches = ParticleBatches(bank, ParticleSettings(), 1, 3)
    images, targets = batches(7)
    assert images.shape[1] == 1
    assert images.shape[2:] == targets.classes.shape[1:] == targets.cores.shape[1:]
    seen = torch.cat([batches(step)[1].classes.unique() for step in range(4)])
    assert set(seen.tolist()) == {SIGNAL, EDGE, BACKGROUND}
    assert 28 <= images.shape[-1] <= 48  # boxes of 1.2 to 2 diameters
    torch.testing.assert_close(batches(7)[0], images)
    assert batches(8)[0].shape != images.shape


class Guess(nn.Module):
    """Calls everything background, and an image good where its middle is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        dark = -nn.functional.avg_pool2d(image, 21, 1, 10)
        return torch.cat((0 * dark, 0 * dark, 0 * dark + 1, dark), 1) * self.weight


def test_validation_and_calibration(bank: ProjectionBank) -> None:
    settings = ParticleSettings()
    found = ParticleValidation(bank, settings, 0, 6)(Guess())
    assert found.figures["iou of signal"] == found.figures["iou of edge"] == 0
    assert found.figures["iou"] == pytest.approx(found.figures["iou of background"] / 3)
    assert found.figures["auc"] > 0.6
    assert found.score == pytest.approx((found.figures["iou"] + found.figures["auc"]) / 2)
    calibration = calibrate_quality(Guess(), [bank], settings, 0, 8)
    assert calibration is not None
    assert calibration.a > 0


def test_offsets_make_up_for_a_class_that_is_left_out(bank: ProjectionBank) -> None:
    class Timid(nn.Module):
        """Knows the dark, but does not say so unless it is sure."""

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            dark = -nn.functional.avg_pool2d(image, 9, 1, 4)
            return torch.stack((dark[:, 0] - 1.5, 0 * dark[:, 0] - 9, 0 * dark[:, 0]), 1)

    drawn = [ParticleBatches(bank, ParticleSettings(), 2, 5)(step) for step in range(6)]
    offsets = class_offsets(Timid(), [(images, targets.classes) for images, targets in drawn])
    assert offsets[0] > 0.5
    assert offsets[2] == 0

    def iou(added: torch.Tensor) -> float:
        counts = torch.zeros(3, 3, dtype=torch.long)
        for images, targets in drawn:
            found = (Timid()(images) + added[:, None, None]).argmax(1)
            counts += confusion(found, targets.classes)
        return overlap_of(counts)["iou"]

    tried = [iou(torch.tensor([0.25 * step, 0.0, 0.0])) for step in range(-2, 11)]
    assert iou(offsets) > iou(torch.zeros(3))
    assert iou(offsets) == pytest.approx(max(tried), abs=0.01)
