# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, Heads, build_network
from cryosegment.core.particles.classes import CLASSES, PARTICLE_HEADS
from cryosegment.core.particles.model import ParticleModel, load_particle_model, working_images
from cryosegment.exchange.card import PARTICLE_IMAGES, PICKING, ModelCard, TrainedNetwork
from cryosegment.exchange.errors import InputError, ModelError, ParameterError
from cryosegment.exchange.params import BRIGHT, DARK, CalibrationParams, InputParams

ARGUMENTS = {"widths": [8, 16], "deep_blocks": 0, "normalization": "batch"}
INPUT = InputParams(24.0)


def tiny(path: Path, heads: Heads = PARTICLE_HEADS, task: str = PARTICLE_IMAGES) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network("compact", heads, **ARGUMENTS)
    card = ModelCard("tiny", TrainedNetwork("compact", ARGUMENTS, heads), INPUT, task=task)
    save_checkpoint(path, network, card)
    return path


@pytest.fixture
def model(tmp_path: Path) -> ParticleModel:
    return load_particle_model(tiny(tmp_path / "model.safetensors"), "cpu")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(5, 90, 90, generator=torch.Generator().manual_seed(0))


def test_maps_are_at_the_working_scale(model: ParticleModel, images: torch.Tensor) -> None:
    maps = model.predict(images, 2.0, 120.0)  # 60 px per diameter, a box of 1.5
    assert maps.probabilities.shape == (5, 3, 36, 36)
    assert maps.pixel_size == pytest.approx(5.0)
    torch.testing.assert_close(maps.probabilities.sum(1), torch.ones(5, 36, 36))


def test_an_image_is_seen_by_itself(model: ParticleModel, images: torch.Tensor) -> None:
    strange = torch.cat((images[:1], 1e5 * images[1:] ** 3))
    alone, among = (model.predict(batch, 2.0, 120.0) for batch in (images[:1], strange))
    torch.testing.assert_close(among.probabilities[:1], alone.probabilities, atol=0.02, rtol=0)
    assert among.quality is not None
    torch.testing.assert_close(among.quality[:1], alone.quality, atol=0.02, rtol=0)


@pytest.mark.parametrize("change", [lambda x: 1e4 * x + 7, lambda x: 1e-6 * x])
def test_grey_levels_have_no_scale(change, images: torch.Tensor) -> None:
    found, _ = working_images(change(images), 2.0, 120.0, INPUT)
    expected, _ = working_images(images, 2.0, 120.0, INPUT)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_a_hot_pixel_does_not_ring_through_the_image(images: torch.Tensor) -> None:
    hot = images.clone()
    hot[:, 45, 45] = 1000.0
    difference = working_images(hot, 2.0, 120.0, INPUT)[0]
    difference -= working_images(images, 2.0, 120.0, INPUT)[0]
    difference[:, 12:25, 12:25] = 0  # around it, at pixel 18 of 36
    assert difference.abs().mean() < 0.15


def test_contrast_turns_the_sign(images: torch.Tensor) -> None:
    bright, dark = (working_images(images, 2.0, 120.0, INPUT, c)[0] for c in (BRIGHT, DARK))
    torch.testing.assert_close(bright, -dark)
    with pytest.raises(ParameterError, match="expected contrast bright or dark, got 'grey'"):
        working_images(images, 2.0, 120.0, INPUT, "grey")


def test_a_flat_image_is_nothing(model: ParticleModel) -> None:
    found = model.predict(torch.full((1, 90, 90), 3.0), 2.0, 120.0)
    assert found.probabilities.isfinite().all()


@pytest.mark.parametrize(
    ("diameter", "text"), [(3.0, "1.5 px"), (200.0, "100.0 px"), (20.0, "more than 6 times")]
)
def test_a_diameter_that_cannot_be(diameter: float, text: str, images: torch.Tensor) -> None:
    with pytest.raises(ParameterError, match=text):
        working_images(images, 2.0, diameter, INPUT)


def test_quality_is_calibrated(tmp_path: Path, images: torch.Tensor) -> None:
    path = tiny(tmp_path / "model.safetensors")
    model = load_particle_model(path, "cpu")
    scores = model.predict(images, 2.0, 120.0).quality
    calibration = CalibrationParams(a=0.5, b=2.0, c=1.0)
    card = replace(model.card, use=replace(model.card.use, calibration=calibration))
    found = ParticleModel(model.network, card).predict(images, 2.0, 120.0).quality
    assert scores is not None
    expected = 1 / (1 + 1 / (scores**0.5 * (1 - scores) ** -2.0 * torch.e))
    torch.testing.assert_close(found, expected)


def test_only_models_of_particle_images(tmp_path: Path) -> None:
    three = load_particle_model(tiny(tmp_path / "three.safetensors", CLASSES), "cpu")
    assert three.predict(torch.randn(1, 90, 90), 2.0, 120.0).quality is None
    with pytest.raises(ModelError, match="which is for picking"):
        load_particle_model(tiny(tmp_path / "picking.safetensors", HEADS, PICKING))
    with pytest.raises(ModelError, match="heads signal, edge, background, found good, bad"):
        load_particle_model(tiny(tmp_path / "other.safetensors", Heads(("good", "bad"))))
    with pytest.raises(InputError, match="does not exist"):
        load_particle_model(tmp_path / "none.safetensors")
