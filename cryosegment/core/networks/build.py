# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by name.

The output at a pixel depends on its neighbourhood only: statistics over the whole image, which some
papers use, are left out.
"""

from __future__ import annotations

from torch import nn

from cryosegment.core.networks.heads import HEADS, Heads
from cryosegment.core.parts import load_part
from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.parts import BOX_NETWORKS, EARLIER_NETWORKS, NETWORKS

LIBRARIES = {"monai": "monai", "segmentation_models_pytorch": "segmentation-models-pytorch"}
"""Libraries that networks need, and their names for pip."""


def build_network(name: str, heads: Heads = HEADS, **arguments: object) -> nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    name
        One of `exchange.parts.NETWORKS` or `BOX_NETWORKS`, or of earlier versions.
    heads
        Meaning of its output channels; those of a picking network if left out.
    arguments
        Arguments of the network, as stored in a model card.

    Raises
    ------
    ParameterError
        If there is no network of that name, or an argument is out of range.
    ModelError
        If the network needs a library that is not installed.

    Examples
    --------
    >>> import torch
    >>> build_network("compact")(torch.zeros(1, 1, 70, 50)).shape
    torch.Size([1, 6, 70, 50])
    """
    part = {**NETWORKS, **EARLIER_NETWORKS, **BOX_NETWORKS}.get(name)
    if part is None:
        known = ", ".join(NETWORKS)
        raise ParameterError(
            f"expected a network among {known}, found {name!r}: choose one of them"
        )
    try:
        make = load_part(part)
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library not in LIBRARIES:
            raise
        raise ModelError(
            f"expected the package {library} for network {name}, found none: install it (pip "
            f"install {LIBRARIES[library]})"
        ) from error
    network: nn.Module = make(heads=heads, **arguments)
    return network
