# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks for particle images learn from: classes of pixels, and which images are good."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.particles.classes import CLASSES, middle_of
from cryosegment.core.training.fit.objective import Targets


@dataclass(frozen=True)
class ClassTargets(Targets):
    """Targets of the three classes.

    Parameters
    ----------
    classes
        Class of each pixel.
    """

    classes: Int[Tensor, "b h w"]


@dataclass(frozen=True)
class QualityTargets(ClassTargets):
    """The same, and which images are good.

    Parameters
    ----------
    good
        Whether each image holds a whole particle in its middle.
    cores
        Where the middle of such an image may lie.
    """

    good: Bool[Tensor, " b"]
    cores: Bool[Tensor, "b h w"]


def class_loss(logits: Float[Tensor, "b k h w"], targets: ClassTargets) -> dict[str, Tensor]:
    """Cross entropy, and one minus the mean soft intersection over union, of the classes.

    Cross entropy alone leaves out a thin band that it cannot place within a pixel.

    Parameters
    ----------
    logits
        Of which the first three are those of the classes.
    targets
        Their targets.
    """
    classes = logits[:, : len(CLASSES)]
    truth = functional.one_hot(targets.classes.long(), len(CLASSES)).permute(0, 3, 1, 2)
    probability = classes.softmax(1)
    shared = (probability * truth).sum((0, 2, 3))
    union = (probability + truth).sum((0, 2, 3)) - shared
    return {
        "classes": functional.cross_entropy(classes, targets.classes.long()),
        "overlap": 1 - ((shared + 1) / (union + 1)).mean(),
    }


def quality_loss(logits: Float[Tensor, "b k h w"], targets: QualityTargets) -> dict[str, Tensor]:
    """The same, and the cross entropy of the quality, in the middle and everywhere.

    Parameters
    ----------
    logits
        Of the three classes and of the quality.
    targets
        Their targets.
    """
    quality = logits[:, len(CLASSES)]
    return {
        **class_loss(logits, targets),
        "good": functional.binary_cross_entropy_with_logits(
            middle_of(quality), targets.good.float()
        ),
        "cores": functional.binary_cross_entropy_with_logits(quality, targets.cores.float()),
    }
