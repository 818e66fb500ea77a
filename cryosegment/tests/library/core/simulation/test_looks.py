# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.simulation.looks import draw_look


@pytest.fixture
def image() -> torch.Tensor:
    """Noise over a dark blob."""
    noise = torch.randn(64, 48, generator=torch.Generator().manual_seed(0))
    noise[16:32, 15:23] -= 3
    return noise


def test_every_look_keeps_dark_dark(image: torch.Tensor) -> None:
    before = image.clone()
    for seed in range(60):
        found = draw_look(image, 20.0, np.random.default_rng(seed))
        assert found.shape == image.shape
        assert found.dtype == torch.float32
        assert found.isfinite().all()
        assert found[17:31, 16:22].mean() < found[33:].mean()
        assert found[17:31, 16:22].mean() < found[:, 24:].mean()
    assert torch.equal(image, before)


def test_the_same_seed_gives_the_same_look(image: torch.Tensor) -> None:
    for seed in range(10):
        first, second = (draw_look(image, 20.0, np.random.default_rng(seed)) for _ in range(2))
        assert torch.equal(first, second)


def test_some_images_stay_as_they_are(image: torch.Tensor) -> None:
    """The chance that no look applies is 0.7 x 0.85 x 0.75 x 0.7 x 0.85 = 0.27."""
    same = [
        torch.equal(draw_look(image, 20.0, np.random.default_rng(seed)), image)
        for seed in range(200)
    ]
    assert 0.17 < np.mean(same) < 0.37
