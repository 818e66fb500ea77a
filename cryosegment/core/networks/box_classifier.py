# SPDX-License-Identifier: GPL-3.0-or-later
"""A classifier of boxes: one answer for each image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.networks.blocks import ResidualBlock
from cryosegment.core.networks.compact import STEM
from cryosegment.core.networks.heads import Heads


class BoxClassifier(nn.Module):
    """The descending half of the compact U-Net; its features, at the centre and over all, decide.

    Its blocks have the names and shapes of those of `CompactUNet`, so that training can start
    from the weights of a picking network.

    Parameters
    ----------
    heads
        Names of the classes.
    widths
        Channels per level, from fine to coarse; each level halves height and width.
    deep_blocks
        Residual blocks at the coarsest level, beyond the first.
    """

    def __init__(
        self,
        heads: Heads,
        widths: Sequence[int] = (32, 64, 128, 256),
        deep_blocks: int = 1,
    ) -> None:
        super().__init__()
        before = (STEM**2, *widths[:-1])
        self.down = nn.ModuleList(map(ResidualBlock, before, widths))
        self.deep = nn.Sequential(
            *(ResidualBlock(widths[-1], widths[-1]) for _ in range(deep_blocks))
        )
        self.head = nn.Linear(2 * widths[-1], len(heads))
        self.stride = STEM * 2 ** (len(widths) - 1)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k"]:
        """Logits of the classes; height and width must be multiples of twice the stride."""
        features = functional.pixel_unshuffle(image, STEM)
        for level, block in enumerate(self.down):
            features = block(functional.avg_pool2d(features, 2) if level else features)
        features = self.deep(features)
        height, width = features.shape[-2:]
        middle = features[..., height // 2 - 1 : height // 2 + 1, width // 2 - 1 : width // 2 + 1]
        means = [plane.mean((-2, -1)) for plane in (middle, features)]
        logits: Tensor = self.head(torch.cat(means, 1))
        return logits
