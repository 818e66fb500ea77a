# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cryosegment.core.images.crystals import crystalline_share
from cryosegment.core.images.micrograph import write_image
from cryosegment.core.pipeline.micrograph import read_working_image
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.params import InputParams, PickParams
from cryosegment.exchange.settings import pick_settings

SHAPE = (1100, 1300)
PIXEL_SIZE = 1.1


def noise(seed: int = 0) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)) + 100


def lattice(spacing: float, turn: float) -> Tensor:
    """Three waves of a hexagonal lattice."""
    y, x = torch.meshgrid(*map(torch.arange, SHAPE), indexing="ij")
    waves = torch.zeros(SHAPE)
    for angle in turn + np.arange(3) * np.pi / 3:
        along = x * np.cos(angle) + y * np.sin(angle)
        waves += torch.cos(2 * np.pi * PIXEL_SIZE / spacing * along)
    return waves


@pytest.mark.parametrize("spacing", [3.9, 3.67, 3.44])
def test_a_lattice_of_ice_below_the_noise(spacing: float) -> None:
    """Its amplitude is a fifth of the noise's."""
    image = noise() + 0.2 * lattice(spacing, 0.2)
    assert crystalline_share(image, PIXEL_SIZE) == 1
    assert crystalline_share(7 * image - 30, PIXEL_SIZE) == 1


def test_the_share_is_that_of_the_area() -> None:
    image, waves = noise(), 0.3 * lattice(3.67, 0.3)
    image[: SHAPE[0] // 2] += waves[: SHAPE[0] // 2]
    assert crystalline_share(image, PIXEL_SIZE) == pytest.approx(0.5)


def test_what_is_no_crystal() -> None:
    """Noise of any colour, a lattice of another spacing, edges of detector tiles."""
    for seed in range(5):
        assert crystalline_share(noise(seed), PIXEL_SIZE) == 0
    smooth = torch.nn.functional.avg_pool2d(noise()[None], 3, 1, 1)[0]
    assert crystalline_share(smooth, PIXEL_SIZE) == 0
    assert crystalline_share(noise() + lattice(5.0, 0.2), PIXEL_SIZE) == 0
    tiled = noise()
    tiled[:, 530:] += 30
    tiled[420:] -= 20
    assert crystalline_share(tiled, PIXEL_SIZE) == 0


def test_where_nothing_can_be_seen() -> None:
    image = noise() + lattice(3.67, 0.2)
    assert crystalline_share(image, 1.7) == 0
    assert crystalline_share(image[:200], PIXEL_SIZE) == 0
    assert crystalline_share(torch.zeros(SHAPE), PIXEL_SIZE) == 0


def test_a_working_image_knows(tmp_path: Path) -> None:
    card = ModelCard("m", TrainedNetwork("compact", {}, ("particle",)), InputParams(20.0))
    for share, image in ((0, noise()), (1, noise() + 0.3 * lattice(3.67, 0.2))):
        path = tmp_path / "ice.mrc"
        write_image(path, image.numpy(), PIXEL_SIZE)
        working = read_working_image(path, "ice", pick_settings(PickParams(diameter=150.0), card))
        assert working.crystalline == share
