# SPDX-License-Identifier: GPL-3.0-or-later
"""The small network of particleSeg: separable convolutions with shortcuts, no skip connections."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.params.networks import BATCH_NORM

WIDTHS = (32, 64, 128, 256)


class DownBlock(nn.Module):
    """Two separable convolutions and a pooling, with a shortcut; half of the size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),
            *_separable(channels_in, channels_out),
            nn.ReLU(),
            *_separable(channels_out, channels_out),
            nn.MaxPool2d(3, 2, 1),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, 2)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Features of half the height and width."""
        features: Float[Tensor, "b k h2 w2"] = self.body(image) + self.shortcut(image)
        return features


class RaisingBlock(nn.Module):
    """Two convolutions with a shortcut; twice the size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Features of twice the height and width."""
        return functional.interpolate(self.body(image) + self.shortcut(image), scale_factor=2)


class SeparableBody(nn.Module):
    """All levels down, and up again.

    Parameters
    ----------
    widths
        Channels per level, from fine to coarse; each level halves height and width.

    Notes
    -----
    Of the Xception kind (Chollet, 2017). Where particleSeg transposes convolutions of stride 1,
    these are plain ones, which learn the same.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.down = nn.Sequential(*map(DownBlock, widths[:-1], widths[1:]))
        wide = (widths[-1], *widths[::-1])
        self.up = nn.Sequential(*map(RaisingBlock, wide[:-1], wide[1:]))

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Maps at the size of the image."""
        maps: Float[Tensor, "b c h w"] = self.up(self.down(self.stem(image)))
        return maps


def separable_unet(
    heads: Heads, widths: Sequence[int] = WIDTHS, normalization: str = BATCH_NORM
) -> Segmenter:
    """The small network of particleSeg.

    Parameters
    ----------
    heads
        Meaning of the output channels.
    widths
        Channels per level, from fine to coarse.
    normalization
        `BATCH_NORM`, or `GROUP_NORM`.
    """
    body = SeparableBody(widths)
    stride = 2 ** len(widths)
    return Segmenter(body, heads, widths[0], stride, normalization=normalization)


def _separable(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    """A convolution of each channel by itself, one across channels, and a normalisation."""
    return (
        nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False),
        nn.Conv2d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm2d(channels_out),
    )
