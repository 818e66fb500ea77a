# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
import torch

from cryosegment.cli.main import main
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import build_network
from cryosegment.core.particles.classes import CLASSES, PARTICLE_HEADS
from cryosegment.core.particles.model import load_particle_model
from cryosegment.core.particles.train import start_of, train_particles
from cryosegment.exchange.card import PARTICLE_IMAGES, ModelCard, TrainedNetwork, read_card
from cryosegment.exchange.params import InputParams, TrainParticlesParams
from cryosegment.exchange.progress import no_progress

ARGUMENTS = {"widths": [8, 16, 16], "deep_blocks": 1, "normalization": "batch"}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A model that also tells how good images are, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = build_network("compact", PARTICLE_HEADS, **ARGUMENTS)
    facts = TrainedNetwork("compact", ARGUMENTS, PARTICLE_HEADS)
    card = ModelCard("tiny", facts, InputParams(24.0), task=PARTICLE_IMAGES)
    save_checkpoint(tmp_path / "tiny.safetensors", network, card)
    return tmp_path / "tiny.safetensors"


def test_a_model_learns_from_masks(extracted, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "new.safetensors"
    params = TrainParticlesParams(
        start=str(tiny), epochs=25, batch=8, learning_rate=5e-3, validation=0.5
    )
    train_particles([extracted.masks], output, params, "cpu", no_progress)
    card = read_card(output)
    data, metric = card.provenance.training_data[0], card.provenance.metrics[0]
    assert card.network.heads == CLASSES
    assert (data["micrographs"], data["validation"]) == (1, 1)
    assert data["particles"] + data["validation particles"] == len(extracted.footprints)
    assert metric["data"] == "validation micrographs"
    assert metric["value"] > 0.55  # a third of the pixels' background alone gives 0.25
    assert (
        load_particle_model(output, "cpu").predict(torch.randn(1, 64, 64), 4.0, 180.0).quality
        is None
    )


def test_from_the_command_line(
    extracted, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.safetensors"
    command = ["train", "particles", str(extracted.masks), "--output", str(output)]
    command += ["--epochs", "1", "--batch", "4", "--from", str(tiny)]
    assert main(command) == 0
    assert "mean IoU" in capsys.readouterr().out
    card = read_card(output)
    assert card.task == PARTICLE_IMAGES
    assert card.provenance.parent
    assert output.with_suffix(".history.csv").exists()
    assert output.with_suffix(".job.json").exists()
    assert main([*command, "--resume"]) == 0


def test_a_training_starts_with_the_classes_of_its_model(tiny: Path) -> None:
    network, _ = start_of(TrainParticlesParams(start=str(tiny)))
    images = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = load_particle_model(tiny, "cpu").network(images)
        torch.testing.assert_close(network.eval()(images), expected[:, : len(CLASSES)])


def test_any_network_of_the_zoo_tells_the_classes() -> None:
    params = TrainParticlesParams(network="unet", encoder="efficientnet-b0", seed=3)
    network, card = start_of(params)
    assert card.network.heads == CLASSES
    assert card.network.arguments["encoder"] == "efficientnet-b0"
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 1, 72, 72)).shape == (1, 3, 72, 72)
    same, _ = start_of(params)
    weights = zip(network.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in weights)
