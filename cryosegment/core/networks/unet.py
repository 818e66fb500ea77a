# SPDX-License-Identifier: GPL-3.0-or-later
"""U-Net and U-Net++ with an encoder of the literature."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from monai.networks.nets.basic_unet import UpCat
from monai.networks.nets.flexible_unet import UNetDecoder
from torch import Tensor, cat, nn

from cryosegment.core.networks.encoders import STRIDE, build_encoder
from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.params.networks import BATCH_NORM

WIDTHS = (256, 128, 64, 32, 16)
"""Channels of the decoder, from coarse to fine."""
NORM = "batch"
ACTIVATION = ("relu", {"inplace": True})


class UNetBody(nn.Module):
    """Encoder, and MONAI's decoder with a skip connection at every scale.

    Parameters
    ----------
    encoder
        Its name.
    widths
        Channels of the decoder, from coarse to fine.

    Notes
    -----
    Ronneberger et al., 2015.
    """

    def __init__(self, encoder: str, widths: Sequence[int]) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder)
        self.decoder = UNetDecoder(
            spatial_dims=2,
            encoder_channels=(1, *self.encoder.channels),
            decoder_channels=widths,
            act=ACTIVATION,
            norm=NORM,
            dropout=0.0,
            bias=False,
            upsample="nontrainable",
            pre_conv="default",
            interp_mode="nearest",
            align_corners=None,
            is_pad=False,
        )

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Maps at the size of the image."""
        maps: Float[Tensor, "b c h w"] = self.decoder(self.encoder(image))
        return maps


class NestedBody(nn.Module):
    """Encoder, and a decoder with nested skip connections.

    Every node sees all nodes before it at its scale, and the one before it at the next coarser.

    Parameters
    ----------
    encoder
        Its name.
    widths
        Channels of the nodes, from coarse to fine; the last are at the size of the image.

    Notes
    -----
    Zhou et al., 2018.
    """

    def __init__(self, encoder: str, widths: Sequence[int]) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder)
        *nodes, last = widths
        nodes.reverse()
        before = list(self.encoder.channels)
        self.columns = nn.ModuleList()
        for depth in range(len(nodes)):
            column = nn.ModuleList()
            for level, width in enumerate(nodes[: len(nodes) - depth]):
                seen = self.encoder.channels[level] + depth * width
                column.append(_up(before[level + 1], seen, width))
            self.columns.append(column)
            before = nodes[: len(nodes) - depth]
        self.last = _up(nodes[0], 0, last)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Maps at the size of the image."""
        current = self.encoder(image)
        seen = [[features] for features in current[:-1]]
        for column in self.columns:
            assert isinstance(column, nn.ModuleList)
            current = [
                block(coarse, cat(finer, 1))
                for block, coarse, finer in zip(column, current[1:], seen)
            ]
            for features, finer in zip(current, seen):
                finer.append(features)
        maps: Float[Tensor, "b c h w"] = self.last(current[0], None)
        return maps


def _up(coarse: int, fine: int, width: int) -> UpCat:
    """Coarse maps enlarged, joined to the fine ones, and two convolutions."""
    return UpCat(
        spatial_dims=2,
        in_chns=coarse,
        cat_chns=fine,
        out_chns=width,
        act=ACTIVATION,
        norm=NORM,
        bias=False,
        upsample="nontrainable",
        pre_conv=None,
        interp_mode="nearest",
        align_corners=None,
        is_pad=False,
    )


def unet(
    heads: Heads,
    encoder: str = "resnet18",
    widths: Sequence[int] = WIDTHS,
    normalization: str = BATCH_NORM,
) -> Segmenter:
    """U-Net."""
    body = UNetBody(encoder, widths)
    return Segmenter(body, heads, widths[-1], STRIDE, normalization=normalization)


def nested_unet(
    heads: Heads,
    encoder: str = "resnet18",
    widths: Sequence[int] = WIDTHS,
    normalization: str = BATCH_NORM,
) -> Segmenter:
    """U-Net++."""
    body = NestedBody(encoder, widths)
    return Segmenter(body, heads, widths[-1], STRIDE, normalization=normalization)
