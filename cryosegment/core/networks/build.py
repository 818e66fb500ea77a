# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by name."""

from __future__ import annotations

from importlib import import_module

from torch import nn

from cryosegment.exchange.errors import ModelError, ParameterError

_NETWORKS = {
    "compact": ("compact", "CompactUNet"),
    "unet": ("unet", "unet"),
    "unet++": ("unet", "nested_unet"),
    "fcn": ("dilated", "fcn"),
    "deeplabv3": ("dilated", "deeplabv3"),
    "attention-unet": ("attention_unet", "attention_unet"),
    "multi-atrous": ("multi_atrous", "multi_atrous"),
}
"""Module and maker of each network; imported when asked for, as MONAI takes seconds."""


def network_names() -> tuple[str, ...]:
    """Names that `build_network` knows."""
    return tuple(_NETWORKS)


def build_network(name: str, **arguments: object) -> nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    name
        One of `network_names`.
    arguments
        What the network's maker takes; a model card keeps them.

    Raises
    ------
    ParameterError
        If there is no network of that name, or an argument is out of range.
    ModelError
        If the network needs MONAI and it is not installed.
    """
    if name not in _NETWORKS:
        known = ", ".join(_NETWORKS)
        raise ParameterError(
            f"expected a network among {known}, found {name!r}: choose one of them"
        )
    module, maker = _NETWORKS[name]
    try:
        makers = import_module(f"cryosegment.core.networks.{module}")
    except ModuleNotFoundError as error:
        if "monai" not in str(error.name):
            raise
        raise ModelError(
            f"expected MONAI for network {name}, found none: install it (pip install monai)"
        ) from error
    network: nn.Module = getattr(makers, maker)(**arguments)
    return network
