# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of a picking network: one term per head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.training.losses.pixels import PIXEL_LOSSES, cross_entropy, of_known
from cryosegment.core.training.targets import Targets
from cryosegment.exchange.params import TrainParams

WEIGHTS = {"particle": 1.0, "center": 1.0, "offset": 1.0, "edge": 0.3, "contamination": 0.5}


def center_focal(
    logits: Float[Tensor, "b h w"], target: Float[Tensor, "b h w"], known: Float[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss per particle (Zhou et al., Objects as Points, 2019, eq. 1)."""
    probability = logits.sigmoid()
    positive = (target == 1).float() * known
    hit = (1 - probability) ** 2 * functional.logsigmoid(logits) * positive
    near = (1 - target) ** 4
    miss = near * probability**2 * functional.logsigmoid(-logits) * (1 - positive) * known
    return -(hit + miss).sum() / positive.sum().clamp(min=1)


def offset_distance(offset: Float[Tensor, "b 2 h w"], targets: Targets) -> Float[Tensor, ""]:
    """Smooth L1 distance of the offsets on particle pixels, in particle radii."""
    weight = (targets.particle * targets.known)[:, None]
    loss = functional.smooth_l1_loss(offset, targets.offset, beta=0.2, reduction="none")
    return (loss * weight).sum() / weight.sum().clamp(min=1)


@dataclass(frozen=True)
class PickingLoss:
    """What a picking network minimises.

    Parameters
    ----------
    particle
        Name of the particle map's loss, of `PIXEL_LOSSES`.
    """

    particle: str = TrainParams.loss

    def __call__(self, logits: Float[Tensor, "b 6 h w"], targets: Targets) -> dict[str, Tensor]:
        """Weighted terms by head; their sum is what to minimise.

        Parameters
        ----------
        logits
            Channels in the order of `networks.HEADS`.
        targets
            What they should say.
        """
        logits = logits.float()
        known = targets.known
        loss = PIXEL_LOSSES[self.particle]
        terms = {
            "particle": of_known(loss, logits[:, 0], targets.particle, known),
            "center": center_focal(logits[:, 1], targets.center, known),
            "offset": offset_distance(logits[:, 2:4], targets),
            "edge": of_known(cross_entropy, logits[:, 4], targets.edge, known),
            "contamination": of_known(cross_entropy, logits[:, 5], targets.contamination, known),
        }
        return {name: WEIGHTS[name] * value for name, value in terms.items()}


def total(terms: dict[str, Tensor]) -> Float[Tensor, ""]:
    """The sum of the terms."""
    return torch.stack(list(terms.values())).sum()
