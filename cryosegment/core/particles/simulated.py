# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches and validation of simulated particle images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cryosegment.core.images.working import working_normalize
from cryosegment.core.particles.classes import CLASSES, PIXELS_PER_DIAMETER, class_map, middle_of
from cryosegment.core.particles.losses import QualityTargets
from cryosegment.core.particles.overlap import area_under_curve, confusion, overlap_of
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.particle_images import (
    ParticleImages,
    ParticleSettings,
    draw_particle_images,
)
from cryosegment.core.training.fit.settings import Validation
from cryosegment.core.tuning.calibration import Judged, fit_calibration
from cryosegment.exchange.params import CalibrationParams, InputParams

BOXES = (1.2, 2.0)
"""Sides of boxes, in particle diameters."""
PER_SCENE = 8
VALIDATION_STREAM, CALIBRATION_STREAM = 2**32 - 1, 2**32 - 2
"""Steps that no training reaches, whose images are for validation and for calibration."""
INPUT = InputParams(PIXELS_PER_DIAMETER)
OFFSETS = tuple(0.25 * step for step in range(-2, 11))
"""Offsets of logits that are tried."""


@dataclass(frozen=True)
class ParticleBatches:
    """The batch of a step, drawn from the seed and the step alone.

    Parameters
    ----------
    bank, settings
        What images are drawn from.
    scenes
        Scenes of a batch, of each of which it has `PER_SCENE` images.
    seed
        Seed of the random numbers.
    """

    bank: ProjectionBank
    settings: ParticleSettings
    scenes: int
    seed: int

    def __call__(self, step: int) -> tuple[Float[Tensor, "b 1 s s"], QualityTargets]:
        """Images of a side of this step, and their targets."""
        random = np.random.default_rng((self.seed, step))
        side = 2 * round(PIXELS_PER_DIAMETER * random.uniform(*BOXES) / 2)
        drawn = [
            draw_particle_images(self.bank, self.settings, PER_SCENE, side, random)
            for _ in range(self.scenes)
        ]
        return batch_of(drawn)


def batch_of(drawn: list[ParticleImages]) -> tuple[Float[Tensor, "b 1 s s"], QualityTargets]:
    """Images as a network sees them, and their targets."""
    images = working_normalize(torch.cat([item.images for item in drawn]), None, INPUT)
    targets = QualityTargets(
        class_map(torch.cat([item.instances for item in drawn])),
        torch.cat([item.good for item in drawn]),
        torch.cat([item.cores for item in drawn]),
    )
    return images[:, None], targets


class ParticleValidation:
    """Validation of a network on images that training never draws.

    Parameters
    ----------
    bank, settings, seed
        Of the training.
    batches
        How many batches of two scenes.
    """

    def __init__(
        self, bank: ProjectionBank, settings: ParticleSettings, seed: int, batches: int = 60
    ) -> None:
        stream = ParticleBatches(bank, settings, 2, seed + VALIDATION_STREAM)
        self._batches = [stream(step) for step in range(batches)]

    def __call__(self, network: nn.Module) -> Validation:
        """Mean of the IoU over the classes and of the area under the curve of the quality."""
        counts = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.long)
        quality, good = [], []
        device = next(network.parameters()).device
        for images, targets in self._batches:
            with torch.inference_mode():
                logits = network(images.to(device)).float().cpu()
            counts += confusion(logits[:, : len(CLASSES)].argmax(1), targets.classes)
            quality.append(middle_of(logits[:, len(CLASSES)]))
            good.append(targets.good)
        area, figures = area_under_curve(torch.cat(quality), torch.cat(good)), overlap_of(counts)
        return Validation((figures["iou"] + area) / 2, {"auc": area, **figures})


def class_offsets(
    network: nn.Module, batches: Iterable[tuple[Float[Tensor, "_ 1 _ _"], Int[Tensor, "_ _ _"]]]
) -> Float[Tensor, " 3"]:
    """What to add to the logits of the classes, so that their mean IoU is highest.

    The most likely class is right most often, but where pixels are doubtful it leaves out a thin
    class: of the edge, a third of the pixels or less would be called so.

    Parameters
    ----------
    network
        In evaluation mode.
    batches
        Images as it receives them, and the classes of their pixels.
    """
    pixels, truth = [], []
    for images, classes in batches:
        with torch.inference_mode():
            logits = network(images).float()[:, : len(CLASSES)]
        pixels.append(logits.movedim(1, -1).reshape(-1, len(CLASSES)))
        truth.append(classes.flatten())
    every, known = torch.cat(pixels), torch.cat(truth)

    def mean_iou(offsets: tuple[float, float]) -> float:
        moved = every + torch.tensor((*offsets, 0.0))
        return overlap_of(confusion(moved.argmax(1), known))["iou"]

    return torch.tensor((*max(product(OFFSETS, OFFSETS), key=mean_iou), 0.0))


def calibrate_quality(
    network: nn.Module,
    banks: Sequence[ProjectionBank],
    settings: ParticleSettings,
    seed: int,
    batches: int = 60,
) -> CalibrationParams | None:
    """Calibration of the quality, for the card of a network.

    Parameters
    ----------
    network
        In evaluation mode.
    banks
        Of the training, and of molecules that it has not seen.
    settings, seed
        Of the training; the images are others.
    batches
        Batches of two scenes from each bank.
    """
    judged = []
    for bank in banks:
        stream = ParticleBatches(bank, settings, 2, seed + CALIBRATION_STREAM)
        for step in range(batches):
            images, targets = stream(step)
            with torch.inference_mode():
                logits = network(images).float()
            scores = middle_of(logits[:, len(CLASSES)]).sigmoid().numpy().astype(np.float64)
            judged.append(Judged(scores, targets.good.numpy()))
    return fit_calibration(judged)
