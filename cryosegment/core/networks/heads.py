# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads: what the output channels of a network mean."""

from __future__ import annotations

import math

import torch
from torch import nn

PRIORS = {"center": 0.01, "contamination": 0.01}
"""Probability, by head, that a fresh network starts from (Lin et al., Focal loss, 2017, section
4.1): else the many pixels without one rule the first steps, and a network that has learnt little
takes all for contamination."""


class Heads(tuple[str, ...]):
    """Names of the output channels of a network, in order."""

    def split(self, logits: torch.Tensor) -> dict[str, torch.Tensor]:
        """The channels by name.

        Parameters
        ----------
        logits
            Maps of every head, `(..., k, h, w)`.
        """
        return dict(zip(self, logits.unbind(-3), strict=True))


def start_from_priors(last: nn.Conv2d, heads: Heads) -> None:
    """Set the biases of a fresh network's last layer, which has channels for each head in turn."""
    assert last.bias is not None
    biases = last.bias.detach().view(len(heads), -1)
    for name in PRIORS.keys() & set(heads):
        nn.init.constant_(biases[heads.index(name)], math.log(PRIORS[name] / (1 - PRIORS[name])))


HEADS = Heads(("particle", "center", "offset_y", "offset_x", "edge", "contamination"))
"""Heads of a picking network. Offsets are (centre - pixel) / particle radius."""
