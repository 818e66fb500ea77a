# SPDX-License-Identifier: GPL-3.0-or-later
"""A network and its CRF, trained together."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cryosegment.core.crf import crf_features
from cryosegment.core.crf.layer import CrfLayer
from cryosegment.core.networks import HEADS
from cryosegment.exchange.params import CrfParams

PARTICLE = HEADS.index("particle")


class RefinedNetwork(nn.Module):
    """A picking network whose particle head goes through a CRF, kernels and all learned.

    `parameters()` are those of the network and of the kernels, so an optimiser trains both.
    `learned()` gives the kernels for the model card.

    Parameters
    ----------
    network
        A picking network.
    crf
        Initial kernels; their features are the logits or the image.

    Raises
    ------
    ParameterError
        If the solver or the engine has no gradient.

    Notes
    -----
    With the logits as feature this is the CD-CRF of Chung & Chou, 2025, whose optimiser left the
    kernels as they were.
    """

    def __init__(self, network: nn.Module, crf: CrfParams) -> None:
        super().__init__()
        self.network = network
        self.layer = CrfLayer(crf)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of every head, the particle head refined."""
        logits = self.network(image).float()
        with torch.autocast(image.device.type, enabled=False):  # the kernels need full precision
            refined = self._refined(logits[:, PARTICLE], image[:, 0].float())
        return torch.cat((logits[:, :PARTICLE], refined[:, None], logits[:, PARTICLE + 1 :]), 1)

    def _refined(
        self, particle: Float[Tensor, "b h w"], image: Float[Tensor, "b h w"]
    ) -> Float[Tensor, "b h w"]:
        crf = self.layer.kernels.params
        found = [crf_features(crf, *pair) for pair in zip(particle, image)]
        features = {name: torch.stack([one[name] for one in found]) for name in crf.features()}
        refined: Float[Tensor, "b h w"] = self.layer(particle, features)
        return refined

    def learned(self) -> CrfParams:
        """The kernels as learned so far."""
        return self.layer.kernels.learned()
