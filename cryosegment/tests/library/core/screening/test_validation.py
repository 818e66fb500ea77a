# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cryosegment.core.screening.data import PickedImage
from cryosegment.core.screening.model import log_odds
from cryosegment.core.screening.validation import ACCURACY, BoxValidation
from cryosegment.tests.labelled import labelled_image


def test_log_odds_of_a_particle() -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5]])
    p = logits.softmax(1)[0, 0]
    assert float(log_odds(logits)) == pytest.approx(float(torch.log(p / (1 - p))), abs=1e-5)


class Brightness(nn.Module):
    """Takes what is dark in the middle for a particle, and knows nothing of interference."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(4.0))

    def forward(self, boxes: Tensor) -> Tensor:
        dark = -boxes[:, 0, 28:36, 28:36].mean((1, 2))
        return torch.stack((self.weight * dark, dark * 0 - 9, dark * 0), 1)


@pytest.mark.parametrize("with_picks", [True, False])
def test_a_network_that_knows_particles(with_picks: bool) -> None:
    images, random = [], torch.Generator().manual_seed(0)
    for _ in range(4):
        centers = 40 + 30 * torch.cartesian_prod(torch.arange(8), torch.arange(8)).float()
        image = torch.randn(300, 300, generator=random) * 2
        for y, x in centers.long().tolist():
            image[y - 5 : y + 6, x - 5 : x + 6] -= 0.8
        picks = torch.cat((centers, centers[:56] + 15)) if with_picks else torch.zeros(0, 2)
        images.append(PickedImage(labelled_image(image, centers, 16.0), picks))
    validation = BoxValidation(images, 0)
    found = validation(Brightness())
    assert 0.9 < found.score <= 1
    assert found.figures[ACCURACY] > 0.75
    calibration = validation.calibrate(Brightness())
    assert calibration is not None
    at_half = calibration.probabilities(np.array([0.1, 0.5, 0.9]))
    assert (np.diff(at_half) > 0).all()
