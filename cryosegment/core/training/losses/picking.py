# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of a picking network: one term per head."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.networks import HEADS
from cryosegment.core.parts import load_part
from cryosegment.core.training.data.targets import PickingTargets
from cryosegment.core.training.losses.partial import binomial_terms, nonnegative_terms
from cryosegment.core.training.losses.pixels import (
    center_focal,
    cross_entropy,
    of_known,
)
from cryosegment.exchange.params import TrainParams
from cryosegment.exchange.parts import LOSSES

WEIGHTS = {"particle": 1.0, "center": 1.0, "offset": 1.0, "edge": 0.3, "contamination": 0.5}
OFFSET = slice(HEADS.index("offset_y"), HEADS.index("offset_x") + 1)


def offset_distance(offset: Float[Tensor, "b 2 h w"], targets: PickingTargets) -> Float[Tensor, ""]:
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
        Name of the loss of the particle map, of `exchange.parts.LOSSES`, for complete labels.
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

    def __call__(
        self, logits: Float[Tensor, "b 6 h w"], targets: PickingTargets
    ) -> dict[str, Tensor]:
        """Weighted terms by head; their sum is what to minimise.

        Parameters
        ----------
        logits
            Channels in the order of `networks.HEADS`.
        targets
            Targets of the logits.
        """
        logits = logits.float()
        known, maps = targets.known, HEADS.split(logits)
        terms = self._particle_terms(logits, targets) | {
            "offset": offset_distance(logits[:, OFFSET], targets),
            "contamination": of_known(
                cross_entropy, maps["contamination"], targets.contamination, known
            ),
        }
        return {name: weight * terms[name] for name, weight in WEIGHTS.items()}

    def _particle_terms(
        self, logits: Float[Tensor, "b 6 h w"], targets: PickingTargets
    ) -> dict[str, Tensor]:
        """Terms of the heads that locate particles."""
        if self.labelled_share == 1:
            return complete_terms(logits, targets, self.particle)
        if self.partial == "nnpu":
            return nonnegative_terms(logits, targets, self.labelled_share)
        return binomial_terms(logits, targets, self.labelled_share, self.diameter)


def complete_terms(
    logits: Float[Tensor, "b 6 h w"], targets: PickingTargets, particle: str
) -> dict[str, Tensor]:
    """Terms of particle map, centre map and edges for complete labels."""
    known, maps = targets.known, HEADS.split(logits)
    loss = load_part(LOSSES[particle])
    return {
        "particle": of_known(loss, maps["particle"], targets.particle, known),
        "center": center_loss(maps["center"], targets.center, known),
        "edge": of_known(cross_entropy, maps["edge"], targets.edge, known),
    }


def center_loss(
    logits: Float[Tensor, "b h w"], target: Float[Tensor, "b h w"], known: Float[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss per particle."""
    particles = ((target == 1) * known).sum()
    return (center_focal(logits, target) * known).sum() / particles.clamp(min=1)
