# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads: what the output channels of a network mean."""

from __future__ import annotations

import torch

PRIORS = {"center": 0.01}
"""Probability, by head, that a fresh network of the zoo starts from (Lin et al., Focal loss, 2017,
section 4.1): else the many pixels without a centre rule the first steps."""


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


HEADS = Heads(("particle", "center", "offset_y", "offset_x", "edge", "contamination"))
"""Heads of a picking network. Offsets are (centre - pixel) / particle radius."""
