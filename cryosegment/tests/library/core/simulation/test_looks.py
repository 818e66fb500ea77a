# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.simulation.looks import _low_pass, draw_look


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
    """No look applies with a chance of 0.9 x 0.7 x 0.7 x 0.85 x 0.8 x 0.75 x 0.85 x 0.85 = 0.16."""
    same = [
        torch.equal(draw_look(image, 20.0, np.random.default_rng(seed)), image)
        for seed in range(200)
    ]
    assert 0.08 < np.mean(same) < 0.24


def test_what_is_finer_than_the_resolution_fades() -> None:
    """White noise keeps the power below the cut-off, and loses that an octave above it."""
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    for seed in range(8):
        filtered = _low_pass(noise, 8.0, np.random.default_rng(seed))
        ratio = np.abs(np.fft.fft2(filtered) / np.fft.fft2(noise))
        assert ratio[frequency < 0.01].min() > 0.98
        assert ratio[frequency > 0.25].max() < 0.25
