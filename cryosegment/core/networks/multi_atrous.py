# SPDX-License-Identifier: GPL-3.0-or-later
"""PIXER's network: a plain encoder and parallel atrous branches whose logits are summed."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, cat, nn

from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import MOST_BRANCHES
from cryosegment.exchange.params.networks import BATCH_NORM

WIDTHS = (48, 64, 128, 192)


class MultiAtrousBody(nn.Module):
    """Seven convolutions in three scales, then branches of dilation 2, 4, 6, ...

    Parameters
    ----------
    branches
        Number of branches.
    widths
        Channels of the three scales, and of the last convolution before the branches.
    branch_width
        Channels of each branch.
    """

    def __init__(self, branches: int, widths: Sequence[int], branch_width: int) -> None:
        super().__init__()
        first, second, third, last = widths
        self.encoder = nn.Sequential(
            *(_convolution(1, first), _convolution(first, first), nn.MaxPool2d(2)),
            *(_convolution(first, second), _convolution(second, second), nn.MaxPool2d(2)),
            *(_convolution(second, third), _convolution(third, third)),
            *(_convolution(third, last), nn.MaxPool2d(2)),
        )
        self.branches = nn.ModuleList(
            nn.Sequential(
                _convolution(last, branch_width, 3, 2 * number),
                _convolution(branch_width, branch_width, 1),
            )
            for number in range(1, branches + 1)
        )

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c y x"]:
        """Maps of all branches at an eighth of the image's size."""
        features = self.encoder(image)
        return cat([branch(features) for branch in self.branches], 1)


def _convolution(
    channels_in: int, channels_out: int, size: int = 3, rate: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, padding=rate * (size // 2), dilation=rate),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def multi_atrous(
    heads: Heads,
    branches: int = 4,
    widths: Sequence[int] = WIDTHS,
    branch_width: int = 256,
    normalization: str = BATCH_NORM,
) -> Segmenter:
    """Multi-branch atrous network.

    PIXER's own is twice and four times as wide, widths 96, 128, 256, 384 and branches of 1024. One
    convolution on the maps of all branches is the sum of one on each.

    Parameters
    ----------
    heads
        Meaning of the output channels.
    branches
        1 to 5.
    widths, branch_width
        Channels of the encoder and of each branch.
    normalization
        `BATCH_NORM`, or `GROUP_NORM` for models of earlier versions.

    Raises
    ------
    ParameterError
        If there is no branch, or more than 5.
    """
    if not 1 <= branches <= MOST_BRANCHES:
        raise ParameterError(f"expected 1 to {MOST_BRANCHES} branches, got {branches}")
    body = MultiAtrousBody(branches, widths, branch_width)
    return Segmenter(body, heads, branches * branch_width, 8, 8, normalization)
