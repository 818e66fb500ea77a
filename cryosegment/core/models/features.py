# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature maps of a network: the input of its last layer."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.images.tiles import predict_tiled
from cryosegment.core.models.inference import network_stride
from cryosegment.exchange.errors import ModelError


def predict_features(
    network: nn.Module, image: Float[Tensor, "h w"], tile: int, halo: int
) -> Float[Tensor, "c h w"]:
    """Feature maps that enter the layer `head` of a network, at the size of the image.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        Normalised, particles dark.
    tile, halo
        Largest side that is predicted at once, and the margin dropped between tiles, px.

    Raises
    ------
    ModelError
        If the network has no layer of that name.
    ParameterError
        If a tile is smaller than its margins.
    """
    head = getattr(network, "head", None)
    if not isinstance(head, nn.Module):
        raise ModelError(
            f"expected a network with a layer named head, got {type(network).__name__}: choose "
            "another feature than network for the CRF"
        )
    seen: list[Tensor] = []

    stride = network_stride(network)

    def forward(patch: Float[Tensor, "h w"]) -> Float[Tensor, "c h w"]:
        height, width = patch.shape
        whole = functional.pad(patch, (0, -width % stride, 0, -height % stride))
        network(whole[None, None])
        maps = seen.pop().float()
        if maps.shape[-2:] != whole.shape:
            maps = functional.interpolate(maps, size=whole.shape, mode="bilinear")
        return maps[0, :, :height, :width]

    hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        with torch.inference_mode():
            on_device = image.to(next(network.parameters()))
            return predict_tiled(forward, on_device, tile, halo, stride)
    finally:
        hook.remove()
