# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes around places of working images."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def cut_boxes(
    image: Float[Tensor, "h w"], centers_yx: Float[Tensor, "n 2"], side: int
) -> Float[Tensor, "n 1 s s"]:
    """Boxes around places, to the nearest pixel; 0 beyond the image.

    Parameters
    ----------
    image
        At working scale.
    centers_yx
        px; may lie outside.
    side
        Of the boxes, px.
    """
    height, width = image.shape
    padded = functional.pad(image, (side, side, side, side))
    corners = (centers_yx - (side - 1) / 2).round().long() + side
    limits = torch.tensor([height + side, width + side], device=corners.device)
    steps = torch.arange(side, device=image.device)
    rows, columns = torch.minimum(corners.clamp(min=0), limits).to(image.device).unbind(1)
    return padded[(rows[:, None] + steps)[:, :, None], (columns[:, None] + steps)[:, None]][:, None]
