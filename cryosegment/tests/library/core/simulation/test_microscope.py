# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.simulation import microscope
from cryosegment.core.simulation.debris import draw_debris
from cryosegment.core.simulation.microscope import Exposure, take_image

SIDE, DIAMETER = 128, 20.0


def balls() -> torch.Tensor:
    """Projected density of balls on a grid."""
    steps = torch.arange(SIDE) % 32 - 16.0
    squared = steps[:, None] ** 2 + steps**2
    return ((DIAMETER / 2) ** 2 - squared).clamp(min=0).sqrt()


def image(seed: int, snr: float, signal: torch.Tensor | None = None) -> torch.Tensor:
    random = np.random.default_rng(seed)
    clean = draw_debris(SIDE, DIAMETER, 1.0, random)
    exposure = Exposure(8.0, DIAMETER, snr)
    return take_image(balls() if signal is None else signal, clean, exposure, random)


@pytest.mark.parametrize("share", ["NEGATIVE_STAIN", "PHASE_PLATE", None])
def test_particles_are_dark(monkeypatch: pytest.MonkeyPatch, share: str | None) -> None:
    """On the whole, whatever the optics: by cross-correlation with their density."""
    if share is not None:
        monkeypatch.setattr(microscope, share, 1.0)
    density = balls() - balls().mean()
    found = [float((image(seed, 50.0) * density).sum()) for seed in range(20)]
    assert np.mean(np.array(found) < 0) > 0.85


def test_a_restored_image_is_the_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the envelope, which is near 1 at 8 Å/px."""
    for name, share in (
        ("NEGATIVE_STAIN", 0.0),
        ("PHASE_FLIPPED", 0.0),
        ("LOW_PASSED", 0.0),
        ("RESTORED", 1.0),
    ):
        monkeypatch.setattr(microscope, name, share)
    for seed in range(5):
        both = torch.stack((image(seed, 1e8).flatten(), balls().flatten()))
        assert torch.corrcoef(both)[0, 1] < -0.98


def test_flipped_phases_leave_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frequency of the particles is dark, as in a corrected micrograph."""
    for name, share in (("NEGATIVE_STAIN", 0.0), ("PHASE_FLIPPED", 1.0)):
        monkeypatch.setattr(microscope, name, share)
    density = torch.fft.rfft2(balls())
    strong = density.abs() > 1e-3 * density.abs().max()
    strong[0, 0] = False
    for seed in range(5):
        ratio = (torch.fft.rfft2(image(seed, 1e10))[strong] / density[strong]).real
        assert (ratio < 1e-2).all()
        assert ratio.min() < -0.1


def test_the_noise_grows_as_the_snr_falls() -> None:
    """With the same draws, the noise is as strong as the ratio says."""
    for seed in range(5):
        clear, faint, fainter = (image(seed, snr) for snr in (1e8, 0.04, 0.01))
        first, second = ((noisy - clear).std() for noisy in (faint, fainter))
        assert second / first == pytest.approx(2.0, rel=0.01)


def test_an_empty_scene_has_noise() -> None:
    found = image(0, 0.1, torch.zeros(SIDE, SIDE))
    assert found.isfinite().all()
    assert found.std() > 0.1


def test_a_recorded_background_takes_the_place_of_noise() -> None:
    random = np.random.default_rng(0)
    clean = draw_debris(SIDE, DIAMETER, 1.0, random)
    recorded = torch.from_numpy(random.standard_normal((SIDE, SIDE)))
    empty = torch.zeros(SIDE, SIDE)
    seen = take_image(empty, clean, Exposure(8.0, DIAMETER, 0.1), random, recorded)
    assert torch.allclose(seen / seen.std(), recorded / recorded.std(), atol=1e-5)
