# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks of the zoo share: images of any size in, logits of that size out."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.networks.blocks import group_normalize, localize
from cryosegment.core.networks.heads import Heads, start_from_priors
from cryosegment.exchange.params.networks import BATCH_NORM, GROUP_NORM


class Segmenter(nn.Module):
    """A network of two parts: the body makes feature maps, the head logits of them.

    Parameters
    ----------
    body
        Takes images `(b, 1, h, w)` whose sides are multiples of `stride`, gives maps
        `(b, c, h / scale, w / scale)`.
    heads
        Meaning of the output channels.
    features
        Channels of these maps.
    stride
        By how much the body reduces its input where it is coarsest.
    scale
        By how much the maps are smaller than the input; their logits are interpolated.
    normalization
        `BATCH_NORM`, and the body is made local; or `GROUP_NORM`, for models of earlier versions.
    """

    def __init__(
        self,
        body: nn.Module,
        heads: Heads,
        features: int,
        stride: int,
        scale: int = 1,
        normalization: str = BATCH_NORM,
    ) -> None:
        super().__init__()
        if normalization == GROUP_NORM:
            group_normalize(body)
        else:
            localize(body)
        self.body = body
        self.head = nn.Conv2d(features, len(heads), 1)
        start_from_priors(self.head, heads)
        self.stride = stride
        self.scale = scale

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of every head, at the size of the image, which may be any."""
        height, width = image.shape[-2:]
        padding = (0, -width % self.stride, 0, -height % self.stride)
        logits = self.head(self.body(functional.pad(image, padding)))
        if self.scale > 1:
            logits = functional.interpolate(logits, scale_factor=self.scale, mode="bilinear")
        return logits[..., :height, :width]
