# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks of the compact network."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; group normalisation, SiLU.

    Group normalisation keeps the statistics of the image at hand, so that simulated and real
    micrographs, and batches of two or two hundred, are treated alike.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.first_norm = nn.GroupNorm(GROUPS, channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(GROUPS, channels_out)
        same = channels_in == channels_out
        self.shortcut: nn.Module = (
            nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, bias=False)
        )

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Features of the same height and width."""
        hidden = functional.silu(self.first_norm(self.first(image)))
        hidden = self.second_norm(self.second(hidden))
        return functional.silu(hidden + self.shortcut(image))


class UpBlock(nn.Module):
    """Coarse features brought to the size of the finer ones, added, refined."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(channels_in, channels_out, 1)
        self.refine = ResidualBlock(channels_out, channels_out)

    def forward(
        self, coarse: Float[Tensor, "b c h w"], fine: Float[Tensor, "b k h2 w2"]
    ) -> Float[Tensor, "b k h2 w2"]:
        """Features at the finer scale."""
        raised = functional.interpolate(self.lateral(coarse), size=fine.shape[-2:], mode="nearest")
        return self.refine(raised + fine)
