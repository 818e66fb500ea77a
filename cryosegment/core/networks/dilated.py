# SPDX-License-Identifier: GPL-3.0-or-later
"""FCN and DeepLabv3: an encoder whose last stages are dilated, at an eighth of the image's size."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, cat, nn

from cryosegment.core.networks.encoders import build_encoder
from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.params.networks import BATCH_NORM, GROUP_NORM

SCALE = 8
WIDTH = 256
RATES = (12, 24, 36)


class DilatedBody(nn.Module):
    """The last maps of an encoder, kept at an eighth of the image's size, and a neck.

    Parameters
    ----------
    encoder
        Its name.
    """

    def __init__(self, encoder: str) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder)
        for stage, rate in ((3, 2), (4, 4)):
            self.encoder.dilate(stage, rate)
        self.channels = self.encoder.channels[-1]
        self.neck: nn.Module = nn.Identity()

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c y x"]:
        """Maps at an eighth of the image's size."""
        maps: Float[Tensor, "b c y x"] = self.neck(self.encoder(image)[-1])
        return maps


class AtrousPyramid(nn.Module):
    """Parallel convolutions of several dilations, mixed.

    Parameters
    ----------
    channels_in
        Of its input.
    rates
        Dilations of the 3x3 convolutions, beside one of 1x1.
    width
        Channels of each branch and of the result.
    sees_mean
        Whether the mean of the image is mixed in too, as models of earlier versions and the paper
        have it: what is far from a pixel then has a say in it.
    """

    def __init__(self, channels_in: int, rates: Sequence[int], width: int, sees_mean: bool) -> None:
        super().__init__()
        branches = [_convolution(channels_in, width, 1)]
        branches += [_convolution(channels_in, width, 3, rate) for rate in rates]
        self.branches = nn.ModuleList(branches)
        self.mean = None
        if sees_mean:
            self.mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), _convolution(channels_in, width, 1))
        self.mix = _convolution((len(branches) + sees_mean) * width, width, 1)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Maps of the same height and width."""
        found = [branch(maps) for branch in self.branches]
        if self.mean is not None:
            found.append(self.mean(maps).expand_as(found[0]))
        mixed: Float[Tensor, "b k h w"] = self.mix(cat(found, 1))
        return mixed


def _convolution(channels_in: int, channels_out: int, size: int, rate: int = 1) -> nn.Sequential:
    padding = rate * (size // 2)
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, padding=padding, dilation=rate, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def fcn(heads: Heads, encoder: str = "resnet18", normalization: str = BATCH_NORM) -> Segmenter:
    """Fully convolutional network (Long et al., 2015) in torchvision's form, as CRISP used it."""
    body = DilatedBody(encoder)
    width = body.channels // 4
    body.neck = _convolution(body.channels, width, 3)
    return Segmenter(body, heads, width, SCALE, SCALE, normalization)


def deeplabv3(
    heads: Heads,
    encoder: str = "resnet18",
    rates: Sequence[int] = RATES,
    width: int = WIDTH,
    normalization: str = BATCH_NORM,
) -> Segmenter:
    """DeepLabv3 (Chen et al., 2017, section 3.3) at output stride 8, without the image's mean."""
    body = DilatedBody(encoder)
    pyramid = AtrousPyramid(body.channels, rates, width, normalization == GROUP_NORM)
    body.neck = nn.Sequential(pyramid, _convolution(width, width, 3))
    return Segmenter(body, heads, width, SCALE, SCALE, normalization)
