# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks made fast for inference: batch normalisations folded, half precision on CPUs."""

from __future__ import annotations

import copy
import logging

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

logger = logging.getLogger(__name__)

TOLERANCE = 0.03
"""Probabilities that bfloat16 may change by as much: it keeps 8 bits, and changes those of the
shipped networks by up to 0.015."""
_SIDE, _SPACING, _RADIUS = 128, 32, 10.0


def accelerate(network: nn.Module) -> nn.Module:
    """A copy of a network that gives the same maps sooner, on the network's device.

    Batch normalisations become part of the convolutions before them. Where the processor
    multiplies in bfloat16, the network is tried in it on a small image, and stays in float32 where
    a probability differs by more than `TOLERANCE`.

    Parameters
    ----------
    network
        In evaluation mode; images `(b, 1, h, w)` in, logits of that size out.
    """
    folded = fold_normalizations(network)
    device = next(network.parameters()).device
    if device.type != "cpu" or not computes_bfloat16():
        return folded
    quick, image = InBfloat16(folded), _discs()
    with torch.inference_mode():
        change = (quick(image).sigmoid() - folded(image).sigmoid()).abs().max()
    if change <= TOLERANCE:  # not so where one is NaN
        return quick
    logger.warning("the network stays in float32: bfloat16 changes probabilities by %.3f", change)
    return folded


def fold_normalizations(network: nn.Module) -> nn.Module:
    """A copy of a network whose batch normalisations are folded into the convolutions before them.

    Normalisations that follow something else stay.

    Parameters
    ----------
    network
        In evaluation mode.

    Notes
    -----
    What follows a convolution is seen when an image passes the network, whatever its code.
    """
    folded = copy.deepcopy(network).requires_grad_(False)
    names = {module: name for name, module in folded.named_modules()}
    for convolution, norm in _pairs(folded):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        parent, _, name = names[norm].rpartition(".")
        setattr(folded.get_submodule(parent), name, nn.Identity())
    return folded


class InBfloat16(nn.Module):
    """A network that computes in bfloat16 on a CPU, from and to float32.

    Parameters
    ----------
    network
        Its weights stay in float32.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.stride = getattr(network, "stride", 1)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of every head."""
        with torch.autocast("cpu", torch.bfloat16):
            logits: Tensor = self.network(image)
        return logits.float()


def computes_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16, without which it is slow."""
    queries = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # not in torch before 2.6
    return any(getattr(torch.cpu, query, bool)() for query in queries)


def _pairs(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """The convolutions whose output a batch normalisation takes as it is."""
    outputs: dict[int, tuple[nn.Conv2d, Tensor, int]] = {}  # kept, as ids are used again
    pairs = []

    def remember(module: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        outputs[id(output)] = (module, output, output._version)

    def recall(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        convolution, _, version = outputs.get(id(inputs[0]), (None, None, -1))
        if convolution is not None and inputs[0]._version == version:
            pairs.append((convolution, module))

    modules = list(network.modules())
    hooks = [m.register_forward_hook(remember) for m in modules if isinstance(m, nn.Conv2d)]
    hooks += [m.register_forward_pre_hook(recall) for m in modules if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        network(_discs().to(next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return pairs


def _discs() -> Float[Tensor, "1 1 h w"]:
    """Dark discs in noise, as networks see them."""
    noise = torch.randn(_SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    offset = torch.arange(_SIDE) % _SPACING - _SPACING / 2
    is_disc = offset[:, None].square() + offset.square() < _RADIUS**2
    return (noise - is_disc.float())[None, None]
