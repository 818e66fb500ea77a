# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that can be trained, and what each can be told."""

from __future__ import annotations

from typing import Any, Dict

from cryosegment.exchange.errors import ParameterError

BATCH_NORM = "batch"
"""Normalisation by statistics of the training: the answer at a pixel depends on what is around it
alone."""
GROUP_NORM = "group"
"""Normalisation by statistics of the image, as networks of earlier versions have it, whose cards do
not say so."""

OWN_ENCODED_NETWORKS = ("unet", "unet++", "fcn", "deeplabv3")
SMP_NETWORKS = {
    "smp-unet++": "unetplusplus",
    "smp-fpn": "fpn",
    "smp-linknet": "linknet",
    "smp-segformer": "segformer",
}
"""Networks of segmentation_models.pytorch, and what it calls them."""
ENCODED_NETWORKS = (*OWN_ENCODED_NETWORKS, *SMP_NETWORKS)
"""Networks that take an encoder."""
BRANCHED_NETWORKS = ("multi-atrous",)
"""Networks that take a number of branches."""
NETWORKS = (
    "compact",
    *OWN_ENCODED_NETWORKS,
    "attention-unet",
    *BRANCHED_NETWORKS,
    *SMP_NETWORKS,
)

ENCODERS = (
    "resnet18",
    "resnet50",
    "resnet101",
    "densenet121",
    "densenet169",
    *(f"efficientnet-b{number}" for number in range(6)),
)
AUTO_ENCODER = "auto"
DEFAULT_ENCODER = ENCODERS[0]
DEFAULT_BRANCHES, MOST_BRANCHES = 4, 5


def check_network(network: str, encoder: str, branches: int) -> None:
    """Check that a network takes what is given.

    Raises
    ------
    ParameterError
        If an encoder or a number of branches is given to a network that has none.
    """
    if encoder != AUTO_ENCODER and network not in ENCODED_NETWORKS:
        raise ParameterError(
            f"network {network} takes no encoder, got {encoder}: leave it out, or choose a "
            f"network among {', '.join(ENCODED_NETWORKS)}"
        )
    if branches != DEFAULT_BRANCHES and network not in BRANCHED_NETWORKS:
        raise ParameterError(
            f"network {network} has no branches, got {branches}: leave them out, or choose "
            f"{', '.join(BRANCHED_NETWORKS)}"
        )


def network_arguments(network: str, encoder: str, branches: int) -> Dict[str, Any]:
    """What builds a network, beside its name."""
    normalization = {"normalization": BATCH_NORM}
    if network in ENCODED_NETWORKS:
        library = {"architecture": SMP_NETWORKS[network]} if network in SMP_NETWORKS else {}
        name = DEFAULT_ENCODER if encoder == AUTO_ENCODER else encoder
        return {**library, "encoder": name, **normalization}
    branched = {"branches": branches} if network in BRANCHED_NETWORKS else {}
    return {**branched, **normalization}
