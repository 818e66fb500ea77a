# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that can be trained, and what each can be told."""

from __future__ import annotations

from typing import Any

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import AUTO, param
from cryosegment.exchange.parts import BRANCHES, ENCODER, NETWORKS

BATCH_NORM = "batch"
"""Normalisation by statistics of the training: the answer at a pixel depends on what is around it
alone."""
GROUP_NORM = "group"
"""Normalisation by statistics of the image, as networks of earlier versions have it, whose cards do
not say so."""

DEFAULT_NETWORK = next(iter(NETWORKS))
ENCODED_NETWORKS = tuple(name for name, network in NETWORKS.items() if ENCODER in network.takes)
BRANCHED_NETWORKS = tuple(name for name, network in NETWORKS.items() if BRANCHES in network.takes)
OWN_ENCODED_NETWORKS = tuple(name for name in ENCODED_NETWORKS if not NETWORKS[name].architecture)

ENCODERS = (
    "resnet18",
    "resnet50",
    "resnet101",
    "densenet121",
    "densenet169",
    *(f"efficientnet-b{number}" for number in range(6)),
)
DEFAULT_ENCODER = ENCODERS[0]
DEFAULT_BRANCHES, MOST_BRANCHES = 4, 5


def network_field() -> Any:
    """Field of the network's name."""
    return param(
        DEFAULT_NETWORK,
        "network architecture; smp-... need the package segmentation_models.pytorch",
        choices=tuple(NETWORKS),
    )


def encoder_field() -> Any:
    """Field of the encoder's name."""
    return param(
        AUTO,
        f"encoder of the networks {', '.join(OWN_ENCODED_NETWORKS)} and smp-...; auto: "
        f"{DEFAULT_ENCODER}",
        choices=(AUTO, *ENCODERS),
    )


def branches_field() -> Any:
    """Field of the number of branches."""
    return param(
        DEFAULT_BRANCHES,
        f"number of parallel dilated branches of the network {', '.join(BRANCHED_NETWORKS)}",
        minimum=1,
        maximum=MOST_BRANCHES,
    )


def check_start(start: str, network: str) -> None:
    """Check that a training starts either from a model or with a network of its own.

    Raises
    ------
    ParameterError
        If both are given.
    """
    if start and network != DEFAULT_NETWORK:
        raise ParameterError(
            f"expected a network to train from scratch or a model to fine-tune, got network "
            f"{network} and model {start}: leave one of them out"
        )


def check_network(network: str, encoder: str, branches: int) -> None:
    """Check that a network takes what is given.

    Raises
    ------
    ParameterError
        If an encoder or a number of branches is given to a network that has none.
    """
    if encoder != AUTO and network not in ENCODED_NETWORKS:
        raise ParameterError(
            f"network {network} takes no encoder, got {encoder}: leave it out, or choose a "
            f"network among {', '.join(ENCODED_NETWORKS)}"
        )
    if branches != DEFAULT_BRANCHES and network not in BRANCHED_NETWORKS:
        raise ParameterError(
            f"network {network} has no branches, got {branches}: leave them out, or choose "
            f"{', '.join(BRANCHED_NETWORKS)}"
        )
