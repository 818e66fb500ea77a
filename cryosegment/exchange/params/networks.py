# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that can be trained, and what each can be told."""

from __future__ import annotations

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import AUTO
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
