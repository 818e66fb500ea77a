# SPDX-License-Identifier: GPL-3.0-or-later
"""The default network: a compact U-Net with several heads."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.networks.blocks import ResidualBlock, UpBlock, group_normalize
from cryosegment.core.networks.heads import HEADS, Heads, start_from_priors
from cryosegment.exchange.params.networks import BATCH_NORM, GROUP_NORM

STEM = 2


class CompactUNet(nn.Module):
    """U-Net on pixel-unshuffled input, whose capacity sits at the coarse scales.

    Folding 2 x 2 pixels into channels before the first convolution quarters the cost of the
    finest level; the deep blocks at the coarsest level give the context that tells ice and
    carbon from particles.

    Parameters
    ----------
    heads
        Meaning of the output channels.
    widths
        Channels per level, from fine to coarse; each level halves height and width.
    deep_blocks
        Residual blocks at the coarsest level, beyond the first.
    normalization
        `BATCH_NORM`, or `GROUP_NORM` for models of earlier versions.
    """

    def __init__(
        self,
        heads: Heads = HEADS,
        widths: Sequence[int] = (32, 64, 128, 256),
        deep_blocks: int = 3,
        normalization: str = BATCH_NORM,
    ) -> None:
        super().__init__()
        before = (STEM**2, *widths[:-1])
        self.down = nn.ModuleList(map(ResidualBlock, before, widths))
        self.deep = nn.Sequential(
            *(ResidualBlock(widths[-1], widths[-1]) for _ in range(deep_blocks))
        )
        finer = list(reversed(widths))
        self.up = nn.ModuleList(map(UpBlock, finer[:-1], finer[1:]))
        self.head = nn.Conv2d(widths[0], len(heads) * STEM**2, 1)
        start_from_priors(self.head, heads)
        self.stride = STEM * 2 ** (len(widths) - 1)
        if normalization == GROUP_NORM:
            group_normalize(self)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of every head, at the size of the image, which may be any."""
        height, width = image.shape[-2:]
        padding = (0, -width % self.stride, 0, -height % self.stride)
        features = functional.pixel_unshuffle(functional.pad(image, padding), STEM)
        skips = []
        for level, block in enumerate(self.down):
            features = block(functional.avg_pool2d(features, 2) if level else features)
            skips.append(features)
        features = self.deep(features)
        for block, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            features = block(features, skip)
        logits = functional.pixel_shuffle(self.head(features), STEM)
        return logits[..., :height, :width]
