# SPDX-License-Identifier: GPL-3.0-or-later
"""Images at working scale through a network."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cryosegment.core.images.tiles import predict_tiled
from cryosegment.core.picking.centers import PickingMaps

TILE = 2048
"""Images with a longer side are predicted in tiles of this size, px; memory asks for it."""
HALO = 96
"""Margin of a tile that is dropped, px: about five particle diameters of context."""


def predict_logits(
    network: nn.Module, image: Float[Tensor, "h w"], tile: int = TILE, halo: int = HALO
) -> Float[Tensor, "k h w"]:
    """Logits of every head, on the network's device.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        Normalised, particles dark.
    tile, halo
        Largest side that is predicted at once, and the margin dropped between tiles, px.
    """
    device = next(network.parameters()).device

    def forward(patch: Float[Tensor, "h w"]) -> Float[Tensor, "k h w"]:
        batch = patch[None, None].to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
            return network(batch)[0].float()

    with torch.inference_mode():
        if max(image.shape) <= tile:
            return forward(image)
        return predict_tiled(forward, image, tile, halo)


def picking_maps(logits: Float[Tensor, "6 h w"], valid: Bool[Tensor, "h w"]) -> PickingMaps:
    """Probabilities and offsets from the logits of every head."""
    valid = valid.to(logits.device)
    return PickingMaps(
        center=logits[1].sigmoid() * valid,
        offsets=logits[2:4],
        particle=logits[0].sigmoid() * valid,
        contamination=logits[5].sigmoid(),
        valid=valid,
    )


def predict_maps(
    network: nn.Module, image: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"]
) -> PickingMaps:
    """What a network says of an image at working scale."""
    return picking_maps(predict_logits(network, image), valid)
