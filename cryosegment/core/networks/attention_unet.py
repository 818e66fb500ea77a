# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-Net of CryoSegNet, whose skip connections pass attention gates."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, cat, nn
from torch.nn import functional

from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.params.networks import BATCH_NORM

WIDTHS = (32, 64, 128, 256, 512)


class AttentionGate(nn.Module):
    """Attention gate: fine maps weighted by pixel and channel, from coarser and finer maps.

    Parameters
    ----------
    coarse, fine
        Channels of the coarser maps, and of the finer ones and the result.

    Notes
    -----
    Oktay et al., 2018, with a weight for each channel as in CryoSegNet.
    """

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.coarse = nn.Sequential(nn.Conv2d(coarse, fine, 1), nn.BatchNorm2d(fine))
        self.fine = nn.Sequential(nn.Conv2d(fine, fine, 1), nn.BatchNorm2d(fine))
        self.weight = nn.Conv2d(fine, fine, 1)

    def forward(
        self, coarse: Float[Tensor, "b c h w"], fine: Float[Tensor, "b k h w"]
    ) -> Float[Tensor, "b k h w"]:
        """The finer maps, weighted."""
        both = functional.relu(self.coarse(coarse) + self.fine(fine))
        return fine * self.weight(both).sigmoid()


class AttentionBody(nn.Module):
    """A plain U-Net with attention gates.

    Parameters
    ----------
    widths
        Channels per level, from fine to coarse; each level halves height and width.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(map(_two_convolutions, (1, *widths[:-1]), widths))
        coarse, fine = widths[:0:-1], widths[-2::-1]
        self.gates = nn.ModuleList(map(AttentionGate, coarse, fine))
        self.up = nn.ModuleList(_two_convolutions(c + f, f) for c, f in zip(coarse, fine))

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Maps at the size of the image."""
        features, skips = image, []
        for level, block in enumerate(self.down):
            features = block(functional.max_pool2d(features, 2) if level else features)
            skips.append(features)
        for gate, block, skip in zip(self.gates, self.up, reversed(skips[:-1])):
            raised = functional.interpolate(features, scale_factor=2, mode="bilinear")
            features = block(cat((raised, gate(raised, skip)), 1))
        return features


def _two_convolutions(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out):
        layers.append(nn.Conv2d(channels, channels_out, 3, padding=1))
        layers += [nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def attention_unet(
    heads: Heads, widths: Sequence[int] = WIDTHS, normalization: str = BATCH_NORM
) -> Segmenter:
    """Attention-gated U-Net; with the widths of CryoSegNet, 64 to 2048, 131 million weights."""
    body, stride = AttentionBody(widths), 2 ** (len(widths) - 1)
    return Segmenter(body, heads, widths[0], stride, normalization=normalization)
