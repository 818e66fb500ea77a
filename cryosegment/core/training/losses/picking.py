# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of a picking network: one term per head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.training.data.targets import Targets
from cryosegment.core.training.losses.partial import binomial_terms, nonnegative_terms
from cryosegment.core.training.losses.pixels import (
    PIXEL_LOSSES,
    center_focal,
    cross_entropy,
    of_known,
)
from cryosegment.exchange.params import TrainParams

WEIGHTS = {"particle": 1.0, "center": 1.0, "offset": 1.0, "edge": 0.3, "contamination": 0.5}


def offset_distance(offset: Float[Tensor, "b 2 h w"], targets: Targets) -> Float[Tensor, ""]:
    """Smooth L1 distance of the offsets on particle pixels, in particle radii."""
    weight = (targets.particle * targets.known)[:, None]
    loss = functional.smooth_l1_loss(offset, targets.offset, beta=0.2, reduction="none")
    return (loss * weight).sum() / weight.sum().clamp(min=1)


@dataclass(frozen=True)
class PickingLoss:
    """Loss function of a picking network.

    Parameters
    ----------
    particle
        Name of the loss of the particle map, of `PIXEL_LOSSES`, for complete labels.
    labelled_share
        Fraction of the particles that is labelled.
    partial
        Loss if that fraction is below 1: `nnpu` or `ge-binomial`.
    diameter
        Nominal particle diameter, px.
    """

    particle: str = TrainParams.loss
    labelled_share: float = 1.0
    partial: str = TrainParams.partial_loss
    diameter: float = 20.0

    def __call__(self, logits: Float[Tensor, "b 6 h w"], targets: Targets) -> dict[str, Tensor]:
        """Weighted terms by head; their sum is what to minimise.

        Parameters
        ----------
        logits
            Channels in the order of `networks.HEADS`.
        targets
            Targets of the logits.
        """
        logits = logits.float()
        known = targets.known
        terms = self._particle_terms(logits, targets) | {
            "offset": offset_distance(logits[:, 2:4], targets),
            "contamination": of_known(cross_entropy, logits[:, 5], targets.contamination, known),
        }
        return {name: weight * terms[name] for name, weight in WEIGHTS.items()}

    def _particle_terms(
        self, logits: Float[Tensor, "b 6 h w"], targets: Targets
    ) -> dict[str, Tensor]:
        """Terms of the heads that locate particles."""
        if self.labelled_share == 1:
            return complete_terms(logits, targets, self.particle)
        if self.partial == "nnpu":
            return nonnegative_terms(logits, targets, self.labelled_share)
        return binomial_terms(logits, targets, self.labelled_share, self.diameter)


def complete_terms(
    logits: Float[Tensor, "b 6 h w"], targets: Targets, particle: str
) -> dict[str, Tensor]:
    """Terms of particle map, centre map and edges for complete labels."""
    known = targets.known
    return {
        "particle": of_known(PIXEL_LOSSES[particle], logits[:, 0], targets.particle, known),
        "center": center_loss(logits[:, 1], targets.center, known),
        "edge": of_known(cross_entropy, logits[:, 4], targets.edge, known),
    }


def center_loss(
    logits: Float[Tensor, "b h w"], target: Float[Tensor, "b h w"], known: Float[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss per particle."""
    particles = ((target == 1) * known).sum()
    return (center_focal(logits, target) * known).sum() / particles.clamp(min=1)


def total(terms: dict[str, Tensor]) -> Float[Tensor, ""]:
    """The sum of the terms."""
    return torch.stack(list(terms.values())).sum()
