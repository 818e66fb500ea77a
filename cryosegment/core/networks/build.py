# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by name.

The output at a pixel depends on its neighbourhood only: statistics over the whole image, which some
papers use, are left out.
"""

from __future__ import annotations

from importlib import import_module

from torch import nn

from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params import SMP_NETWORKS

_NETWORKS = {
    "compact": ("compact", "CompactUNet"),
    "unet": ("unet", "unet"),
    "unet++": ("unet", "nested_unet"),
    "fcn": ("dilated", "fcn"),
    "deeplabv3": ("dilated", "deeplabv3"),
    "attention-unet": ("attention_unet", "attention_unet"),
    "multi-atrous": ("multi_atrous", "multi_atrous"),
    **{name: ("segmentation_models", "segmentation_model") for name in SMP_NETWORKS},
}
"""Module and maker of each network; imported when asked for, as libraries take seconds."""
_EARLIER = dict.fromkeys(
    ("smp-manet", "smp-upernet"), ("segmentation_models", "segmentation_model")
)
"""Networks of models of earlier versions: what makes them is attention and pooling over the whole
image, so that they cannot be local and are not trained any more."""
LIBRARIES = {"monai": "monai", "segmentation_models_pytorch": "segmentation-models-pytorch"}
"""Libraries that networks need, and their names for pip."""


def network_names() -> tuple[str, ...]:
    """Names for `build_network`."""
    return tuple(_NETWORKS)


def build_network(name: str, **arguments: object) -> nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    name
        One of `network_names`.
    arguments
        Arguments of the network, as stored in a model card.

    Raises
    ------
    ParameterError
        If there is no network of that name, or an argument is out of range.
    ModelError
        If the network needs a library that is not installed.
    """
    makers_by_name = {**_NETWORKS, **_EARLIER}
    if name not in makers_by_name:
        known = ", ".join(_NETWORKS)
        raise ParameterError(
            f"expected a network among {known}, found {name!r}: choose one of them"
        )
    module, maker = makers_by_name[name]
    try:
        makers = import_module(f"cryosegment.core.networks.{module}")
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library not in LIBRARIES:
            raise
        raise ModelError(
            f"expected the package {library} for network {name}, found none: install it (pip "
            f"install {LIBRARIES[library]})"
        ) from error
    network: nn.Module = getattr(makers, maker)(**arguments)
    return network
