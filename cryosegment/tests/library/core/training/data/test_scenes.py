# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from cryosegment.core.images.working import working_normalize
from cryosegment.core.models.model import Model
from cryosegment.core.simulation.bank import PIXELS_PER_DIAMETER, SIDE, ProjectionBank
from cryosegment.core.simulation.scenes import SceneSettings, draw_scene
from cryosegment.core.training.data.scenes import (
    CALIBRATION_STREAM,
    SceneBatches,
    SceneValidation,
    calibrate_on_scenes,
    usual_scenes,
)
from cryosegment.exchange.params import InputParams

SETTINGS = SceneSettings(size=96, snr=(5.0, 7.0, 10.0))


@pytest.fixture(scope="module")
def bank() -> ProjectionBank:
    """One molecule, a disc."""
    steps = torch.arange(SIDE) - SIDE // 2
    disc = (steps[:, None] ** 2 + steps**2 <= (PIXELS_PER_DIAMETER / 2) ** 2).float()
    planes = disc.expand(1, 3, -1, -1)
    return ProjectionBank(planes, planes, torch.tensor([150.0]))


def test_a_batch_depends_on_seed_and_step_alone(bank: ProjectionBank) -> None:
    batches = SceneBatches(bank, SETTINGS, 2, seed=1)
    image, targets = batches(5)
    again, same_targets = SceneBatches(bank, SETTINGS, 2, seed=1)(5)
    assert torch.equal(again, image)
    assert torch.equal(same_targets.offset, targets.offset)
    assert not torch.equal(batches(6)[0], image)
    assert not torch.equal(SceneBatches(bank, SETTINGS, 2, seed=2)(5)[0], image)


def test_images_and_targets_are_those_of_the_scenes(bank: ProjectionBank) -> None:
    image, targets = SceneBatches(bank, SETTINGS, 3, seed=1)(0)
    random = np.random.default_rng((1, 0))
    assert image.shape == (3, 1, 96, 96)
    assert targets.known.all()
    for number in range(3):
        scene = draw_scene(bank, SETTINGS, random)
        normal = working_normalize(scene.image, None, InputParams(SETTINGS.diameter))
        torch.testing.assert_close(image[number, 0], normal)
        assert torch.equal(targets.particle[number] > 0, scene.instances > 0)
        assert torch.equal(targets.contamination[number], scene.contamination)
        pixels = torch.nonzero(scene.instances > 0)
        rows, columns = pixels.T
        goals = pixels + targets.offset[number, :, rows, columns].T * SETTINGS.diameter / 2
        centers = scene.centers_yx[scene.instances[rows, columns].long() - 1]
        torch.testing.assert_close(goals, centers, atol=1e-3, rtol=0)


def test_images_are_normalised(bank: ProjectionBank) -> None:
    image, _ = SceneBatches(bank, SETTINGS, 4, seed=0)(0)
    assert image.std((1, 2, 3)).min() > 0.8
    assert image.std((1, 2, 3)).max() < 10


def test_threads_are_left_alone(bank: ProjectionBank) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        SceneBatches(bank, SETTINGS, 1, seed=0)(0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_validation_scores_a_network(bank: ProjectionBank) -> None:
    """A network that says the same of every pixel finds nothing."""
    network = torch.nn.Conv2d(1, 6, 1)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.constant_(network.bias, -9.0)
    assert SceneValidation(bank, SETTINGS, seed=0)(network).score == 0


@pytest.mark.slow
def test_scores_are_calibrated_on_scenes_of_their_own(
    bank: ProjectionBank, disc_model: Model
) -> None:
    """The probabilities of all candidates sum to the number of particles among them."""
    network, settings = disc_model.network, replace(SETTINGS, size=160, clean=0.0)
    found = calibrate_on_scenes(network, [bank, bank], settings, seed=0, count=16)
    usual = usual_scenes(settings)
    assert usual.clean > settings.clean
    scenes = SceneValidation(bank, usual, 0, CALIBRATION_STREAM, 16)
    scores, hits = (
        np.concatenate([getattr(part, name) for part in scenes.judge(network)])
        for name in ("scores", "hits")
    )
    assert 0 < hits.sum() < len(hits)
    expected = found.probabilities(scores).sum()
    assert expected == pytest.approx(hits.sum(), rel=0.05)
    others = SceneValidation(bank, usual, 0, count=16).judge(network)
    assert len(others) == 16
    assert len(np.concatenate([part.scores for part in others])) != len(scores)
