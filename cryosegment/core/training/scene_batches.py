# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches and validation scenes simulated on the fly."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cryosegment.core.images.normalize import working_normalize
from cryosegment.core.images.working import LOCAL_MEAN_SIGMA
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.scenes import Scene, SceneSettings, draw_scene
from cryosegment.core.training.fit import Validation
from cryosegment.core.training.loader import Batch
from cryosegment.core.training.targets import Targets, make_targets
from cryosegment.core.training.validation import ValidationImage, best_f1

VALIDATION_SCENES = 32
VALIDATION_STREAM = 2**32 - 1
"""Step that no training reaches: its scenes are the validation set."""


class SceneBatches:
    """The batch of a step, drawn from the seed and the step alone."""

    def __init__(
        self, bank: ProjectionBank, settings: SceneSettings, batch: int, seed: int
    ) -> None:
        self._bank = bank
        self._settings = settings
        self._batch = batch
        self._seed = seed

    def __call__(self, step: int) -> Batch:
        """Images `(b, 1, h, w)` and their targets."""
        random = np.random.default_rng((self._seed, step))
        scenes = [draw_scene(self._bank, self._settings, random) for _ in range(self._batch)]
        return _images(scenes, self._settings), _targets(scenes, self._settings.diameter)


def _images(scenes: list[Scene], settings: SceneSettings) -> Float[Tensor, "b 1 h w"]:
    """Scenes normalised as a micrograph is."""
    image = torch.stack([scene.image for scene in scenes])
    return working_normalize(image, None, LOCAL_MEAN_SIGMA * settings.diameter)[:, None]


def _targets(scenes: list[Scene], diameter: float) -> Targets:
    """What the scenes show, all of which is known."""
    contamination = torch.stack([scene.contamination for scene in scenes])
    return make_targets(
        torch.stack([scene.instances for scene in scenes]),
        contamination,
        torch.ones_like(contamination),
        pad_sequence([scene.centers_yx for scene in scenes], batch_first=True),
        torch.full((len(scenes),), diameter),
    )


class SceneValidation:
    """Particle F1 on scenes that training never draws."""

    def __init__(self, bank: ProjectionBank, settings: SceneSettings, seed: int) -> None:
        random = np.random.default_rng((seed, VALIDATION_STREAM))
        scenes = [draw_scene(bank, settings, random) for _ in range(VALIDATION_SCENES)]
        images = _images(scenes, settings)[:, 0]
        everywhere = torch.ones(settings.size, settings.size, dtype=torch.bool)
        self._images = [
            ValidationImage(image, everywhere, everywhere, _visible(scene), settings.diameter)
            for image, scene in zip(images, scenes, strict=True)
        ]

    def __call__(self, network: nn.Module) -> Validation:
        """Best F1 over all thresholds."""
        return best_f1(network, self._images)


def _visible(scene: Scene) -> Float[Tensor, "n 2"]:
    """Centres inside the scene whose particle is seen."""
    seen = torch.unique(scene.instances)
    centers = scene.centers_yx[seen[seen > 0].long() - 1]
    inside = (centers >= 0).all(1) & (centers <= scene.image.shape[0] - 1).all(1)
    return centers[inside]
