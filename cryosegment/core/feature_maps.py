# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps that a network makes its logits of."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.images.tiles import predict_tiled
from cryosegment.exchange.errors import ModelError


def predict_features(
    network: nn.Module, image: Float[Tensor, "h w"], tile: int, halo: int
) -> Float[Tensor, "c h w"]:
    """What enters the layer named `head` of a network, at the image's size.

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
        If a tile has no inside.
    """
    head = getattr(network, "head", None)
    if not isinstance(head, nn.Module):
        raise ModelError(
            f"expected a network with a layer named head, got {type(network).__name__}: choose "
            "another feature than network for the CRF"
        )
    seen: list[Tensor] = []

    def forward(patch: Float[Tensor, "h w"]) -> Float[Tensor, "c h w"]:
        network(patch[None, None])
        return _enlarged(seen.pop().float(), patch.shape[0], patch.shape[1])[0]

    hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        with torch.inference_mode():
            return predict_tiled(forward, image.to(next(network.parameters())), tile, halo)
    finally:
        hook.remove()


def _enlarged(maps: Float[Tensor, "b c y x"], height: int, width: int) -> Float[Tensor, "b c h w"]:
    """Maps at the size of the image; coarser ones may reach beyond it, where it was padded."""
    scale = -(-height // maps.shape[-2])
    large = functional.interpolate(maps, scale_factor=scale, mode="bilinear") if scale > 1 else maps
    return large[..., :height, :width]
