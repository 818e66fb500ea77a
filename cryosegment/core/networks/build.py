# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from cryosegment.core.networks.compact import CompactUNet
from cryosegment.exchange.errors import ParameterError

HEADS = ("particle", "center", "offset_y", "offset_x", "edge", "contamination")
"""Channels of a picking network, in order. Offsets are (centre - pixel) / particle radius."""

_NETWORKS: dict[str, Callable[..., nn.Module]] = {"compact": CompactUNet}


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
        What the network's constructor takes; a model card keeps them.

    Raises
    ------
    ParameterError
        If there is no network of that name.
    """
    if name not in _NETWORKS:
        known = ", ".join(_NETWORKS)
        raise ParameterError(
            f"expected a network among {known}, found {name!r}: choose one of them"
        )
    return _NETWORKS[name](**arguments)
