# SPDX-License-Identifier: GPL-3.0-or-later
"""Inference: a network applied to images at working scale."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cryosegment.core.images.tiles import predict_tiled
from cryosegment.core.networks import HEADS
from cryosegment.core.picking.centers import PickingMaps
from cryosegment.exchange.card import TrainedNetwork


def predict_logits(
    network: nn.Module,
    image: Float[Tensor, "h w"],
    tile: int = TrainedNetwork.tile_size,
    halo: int = TrainedNetwork.halo,
) -> Float[Tensor, "k h w"]:
    """Logits of every head, on the network's device.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        Normalised, particles dark.
    tile, halo
        Largest side that is predicted at once, which limits the memory, and the margin dropped
        between tiles, px.

    Raises
    ------
    ParameterError
        If a tile is smaller than its margins.
    """
    device = next(network.parameters()).device

    def forward(patch: Float[Tensor, "h w"]) -> Float[Tensor, "k h w"]:
        batch = patch[None, None].contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
            return network(batch)[0].float()

    with torch.inference_mode():
        return predict_tiled(forward, image.to(device), tile, halo, network_stride(network))


def network_stride(network: nn.Module) -> int:
    """Largest factor by which a network reduces its input; 1 if it does not state it."""
    stride = getattr(network, "stride", 1)
    return stride if isinstance(stride, int) else 1


def picking_maps(
    logits: Float[Tensor, "6 h w"],
    valid: Bool[Tensor, "h w"],
    refined: Float[Tensor, "h w"] | None = None,
) -> PickingMaps:
    """Probabilities and offsets from the logits of every head.

    Parameters
    ----------
    logits
        What the network says.
    valid
        Pixels that count.
    refined
        The logits of the particle head after a CRF; None where there is none.
    """
    valid = valid.to(logits.device)
    head = HEADS.split(logits)
    particle = head["particle"] if refined is None else refined
    return PickingMaps(
        center=head["center"].sigmoid() * valid,
        offsets=torch.stack((head["offset_y"], head["offset_x"])),
        particle=particle.sigmoid() * valid,
        unrefined=head["particle"].sigmoid() * valid,
        contamination=head["contamination"].sigmoid(),
        valid=valid,
    )


def predict_maps(
    network: nn.Module, image: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"]
) -> PickingMaps:
    """Maps of a network for an image at working scale."""
    return picking_maps(predict_logits(network, image), valid)
