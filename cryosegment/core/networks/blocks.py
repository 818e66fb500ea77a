# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks: normalisation, and those of the compact network."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8
EXCITATION = "_se_"
"""Names of the parts of squeeze and excitation in an EfficientNet."""


def group_normalize(module: nn.Module) -> None:
    """Replace the batch normalisations in a module by group normalisations, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            groups = math.gcd(GROUPS, child.num_features)
            setattr(module, name, nn.GroupNorm(groups, child.num_features))
        else:
            group_normalize(child)


def localize(module: nn.Module) -> None:
    """Remove statistics of the whole image from a module, in place.

    Group normalisations become batch normalisations. The blocks of an EfficientNet lose squeeze and
    excitation, which weighs channels by their means; EfficientNet-Lite does without it too.
    """
    for name, child in list(module.named_children()):
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, nn.BatchNorm2d(child.num_channels))
        elif name.startswith(EXCITATION):
            delattr(module, name)
        else:
            localize(child)
    for flag in ("has_se", "_has_se"):  # of MONAI's blocks, and of segmentation_models.pytorch's
        if hasattr(module, flag):
            setattr(module, flag, False)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; batch normalisation, SiLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels_out)
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
