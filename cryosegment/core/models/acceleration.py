# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks made fast for inference: batch normalisations folded, half precision on CPUs."""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

logger = logging.getLogger(__name__)

TOLERANCE = 0.03
"""Largest change of a probability by bfloat16, which keeps 8 bits. It changes those of the shipped
networks by up to 0.015."""
_SIDE, _SPACING, _RADIUS = 128, 32, 10.0


def accelerate(network: nn.Module) -> nn.Module:
    """A copy of a network that gives the same maps sooner, on the network's device.

    Batch normalisations become part of the convolutions before them. Where the processor
    multiplies in bfloat16, the network is tried in it on a small image, and stays in float32 where
    a probability differs by more than `TOLERANCE`.

    Parameters
    ----------
    network
        In evaluation mode; images `(b, 1, h, w)` in, logits of that size out, or a row for each.
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

    Normalisations of something else stay, and those of what has other uses too.

    Parameters
    ----------
    network
        In evaluation mode.

    Notes
    -----
    What takes the output of a convolution is seen when an image passes the network, whatever its
    code.
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

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b k *pixels"]:
        """Logits of every head."""
        with torch.autocast("cpu", torch.bfloat16):
            logits: Tensor = self.network(image)
        return logits.float()


def computes_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16, without which it is slow."""
    queries = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # not in torch before 2.6
    return any(getattr(torch.cpu, query, bool)() for query in queries)


def _pairs(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """The convolutions whose output a batch normalisation takes as it is, and nothing else does."""
    outputs: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # kept, as ids are used again
    found: list[tuple[int, nn.BatchNorm2d]] = []
    uses = _Uses()

    def remember(module: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        outputs[id(output)] = (module, output)
        uses.counts[id(output)] = 0

    def recall(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        if id(inputs[0]) in outputs:
            found.append((id(inputs[0]), module))

    modules = list(network.modules())
    hooks = [m.register_forward_hook(remember) for m in modules if isinstance(m, nn.Conv2d)]
    hooks += [m.register_forward_pre_hook(recall) for m in modules if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad(), uses:
        network(_discs().to(next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return [(outputs[key][0], norm) for key, norm in found if uses.counts[key] == 1]


class _Uses(TorchDispatchMode):
    """Counts the operations that take a tensor, by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[int] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would load its compiler, which takes a second, to leave these calls out."""
        return False

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        self.counts.update(id(leaf) for leaf in tree_leaves(args) if isinstance(leaf, Tensor))
        return func(*args, **(kwargs or {}))


def _discs() -> Float[Tensor, "1 1 h w"]:
    """Dark discs in noise, as networks see them."""
    noise = torch.randn(_SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    offset = torch.arange(_SIDE) % _SPACING - _SPACING / 2
    is_disc = offset[:, None].square() + offset.square() < _RADIUS**2
    return (noise - is_disc.float())[None, None]
