# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches and validation scenes simulated on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cryosegment.core.images.working import WorkingImage, working_normalize
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.picking.centers import find_candidates, without_contaminated
from cryosegment.core.pipeline.micrograph import CANDIDATE_FLOOR
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.scenes import Scene, SceneSettings, draw_scene
from cryosegment.core.simulation.textures import Texture
from cryosegment.core.training.data.targets import PickingTargets, make_targets
from cryosegment.core.training.fit.batches import Batch
from cryosegment.core.training.fit.settings import Validation
from cryosegment.core.training.validation import best_f1
from cryosegment.core.tuning.calibration import (
    Judged,
    fit_calibration,
    judge_candidates,
)
from cryosegment.exchange.labels import BACKGROUND, CONTAMINATION, PARTICLE
from cryosegment.exchange.params import CalibrationParams, InputParams

VALIDATION_SCENES = 64
VALIDATION_STREAM = 2**32 - 1
"""Step that no training reaches, whose scenes are the validation set."""
CALIBRATION_SCENES = 150
CALIBRATION_STREAM = 2**32 - 2
"""Likewise, for scores; the network that was best on the validation set has not seen these."""


class SceneBatches:
    """The batch of a step, drawn from the seed and the step alone."""

    def __init__(
        self,
        bank: ProjectionBank,
        settings: SceneSettings,
        batch: int,
        seed: int,
        textures: Sequence[Texture] = (),
    ) -> None:
        self._bank = bank
        self._settings = settings
        self._batch = batch
        self._seed = seed
        self._textures = textures

    def __call__(self, step: int) -> Batch:
        """Images `(b, 1, h, w)` and their targets."""
        random = np.random.default_rng((self._seed, step))
        drawn = (self._bank, self._settings, random, self._textures)
        scenes = [draw_scene(*drawn) for _ in range(self._batch)]
        return scene_images(scenes, self._settings), _targets(scenes, self._settings.diameter)


def scene_images(scenes: list[Scene], settings: SceneSettings) -> Float[Tensor, "b 1 h w"]:
    """Scenes normalised as a micrograph is."""
    image = torch.stack([scene.image for scene in scenes])
    return working_normalize(image, None, InputParams(settings.diameter))[:, None]


def _targets(scenes: list[Scene], diameter: float) -> PickingTargets:
    """Targets of the scenes, all of which are known."""
    contamination = torch.stack([scene.contamination for scene in scenes])
    return make_targets(
        torch.stack([scene.instances for scene in scenes]),
        contamination,
        torch.ones_like(contamination),
        pad_sequence([scene.centers_yx for scene in scenes], batch_first=True),
        torch.full((len(scenes),), diameter),
    )


class SceneValidation:
    """Validation of a network on scenes that training never draws.

    Parameters
    ----------
    bank, settings, seed
        Of the training.
    stream
        Step that no training reaches, whose scenes these are.
    count
        How many.
    """

    def __init__(
        self,
        bank: ProjectionBank,
        settings: SceneSettings,
        seed: int,
        stream: int = VALIDATION_STREAM,
        count: int = VALIDATION_SCENES,
    ) -> None:
        random = np.random.default_rng((seed, stream))
        scenes = [draw_scene(bank, settings, random) for _ in range(count)]
        images = scene_images(scenes, settings)[:, 0]
        self._images = [
            labelled_scene(scene, image, settings.diameter)
            for image, scene in zip(images, scenes, strict=True)
        ]

    def __call__(self, network: nn.Module) -> Validation:
        """Best F1 over all thresholds."""
        return best_f1(network, self._images)

    def judge(self, network: nn.Module) -> list[Judged]:
        """The candidates of each scene, and which are particles."""
        judged = []
        for item in self._images:
            maps = predict_maps(network, item.working.image, item.working.valid)
            found = find_candidates(maps, item.diameter, floor=CANDIDATE_FLOOR)
            found = without_contaminated(found, maps, item.diameter)
            judged.append(judge_candidates(found, item))
        return judged


def usual_scenes(settings: SceneSettings) -> SceneSettings:
    """Settings of typical micrographs; training shows difficult ones more often."""
    return replace(settings, hard=0.4, clean=0.6, others=0.0)


def calibrate_on_scenes(
    network: nn.Module,
    banks: Sequence[ProjectionBank],
    settings: SceneSettings,
    seed: int,
    count: int = CALIBRATION_SCENES,
) -> CalibrationParams | None:
    """Calibration of a network that was trained on scenes, for its card.

    Parameters
    ----------
    network
        In evaluation mode.
    banks
        Of the training, and of molecules that it has not seen.
    settings, seed
        Of the training; the scenes are the usual ones of these.
    count
        Scenes of each bank.
    """
    usual = usual_scenes(settings)
    judged: list[Judged] = []
    for bank in banks:
        scenes = SceneValidation(bank, usual, seed, CALIBRATION_STREAM, count)
        judged += scenes.judge(network)
    return fit_calibration(judged)


def labelled_scene(scene: Scene, image: Float[Tensor, "h w"], diameter: float) -> LabelledImage:
    """A scene with its labels; scenes have no pixel size, and are their own micrographs.

    Parameters
    ----------
    scene
        As drawn.
    image
        Its image, normalised.
    diameter
        Nominal particle diameter, px.
    """
    everywhere = torch.ones_like(image, dtype=torch.bool)
    classes = torch.where(scene.instances > 0, PARTICLE, BACKGROUND)
    return LabelledImage(
        working=WorkingImage(image, everywhere, 1.0, (1.0, 1.0)),
        instances=scene.instances,
        classes=torch.where(scene.contamination > 0, CONTAMINATION, classes),
        centers_yx=_visible(scene),
        diameter=diameter,
        micrograph="simulated scene",
    )


def _visible(scene: Scene) -> Float[Tensor, "n 2"]:
    """Centres inside the scene whose particle is seen."""
    seen = torch.unique(scene.instances)
    centers = scene.centers_yx[seen[seen > 0].long() - 1]
    inside = (centers >= 0).all(1) & (centers <= scene.image.shape[0] - 1).all(1)
    return centers[inside]
