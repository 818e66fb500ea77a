# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.crf import NO_CRF
from cryosegment.exchange.params.fields import (
    GPU_HELP,
    LEARNING_RATE_HELP,
    MODEL_PATH,
    SEED_HELP,
    Params,
    param,
)

ENCODED_NETWORKS = ("unet", "unet++", "fcn", "deeplabv3")
"""Networks that take an encoder."""
BRANCHED_NETWORKS = ("multi-atrous",)
"""Networks that take a number of branches."""
NETWORKS = ("compact", *ENCODED_NETWORKS, "attention-unet", *BRANCHED_NETWORKS)
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

DEFAULT_BRANCHES = 4

TRAINED_PRESETS = ("gaussian", "intensity", "logits")
"""CRFs whose features a gradient can pass, or that need none."""


@dataclass(frozen=True)
class TrainParams(Params):
    """Labels to a model."""

    start: str = param(
        "", "model to fine-tune, or general; left out: from scratch", flag="from", **MODEL_PATH
    )
    network: str = param(NETWORKS[0], "network architecture", choices=NETWORKS)
    encoder: str = param(
        AUTO_ENCODER,
        f"encoder of {', '.join(ENCODED_NETWORKS)}; auto: {DEFAULT_ENCODER}",
        choices=(AUTO_ENCODER, *ENCODERS),
    )
    branches: int = param(
        DEFAULT_BRANCHES,
        f"parallel dilated branches of {', '.join(BRANCHED_NETWORKS)}",
        minimum=1,
        maximum=5,
    )
    loss: str = param("default", "loss function", choices=("default",))
    crf: str = param(
        NO_CRF,
        "conditional random field to train through; its kernels are learned and go in the card",
        choices=(NO_CRF, *TRAINED_PRESETS),
    )
    minutes: Optional[float] = param(None, "training time", "min", minimum=0.01)
    epochs: Optional[int] = param(None, "passes over the micrographs", minimum=1)
    validation: float = param(
        0.2, "fraction of the micrographs kept for validation", minimum=0, maximum=0.9
    )
    pixels_per_diameter: float = param(
        20.0, "particle diameter at the network's input", "px", minimum=4, maximum=200
    )
    batch: int = param(8, "patches in a step", minimum=1)
    patch: int = param(192, "side of a patch", "px", minimum=32, maximum=4096)
    learning_rate: float = param(0.0, LEARNING_RATE_HELP, minimum=0, maximum=1)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("auto", GPU_HELP, metavar="IDS")
    resume: bool = param(False, "go on with an interrupted training")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes is not None and self.epochs is not None:
            raise ParameterError("expected minutes or epochs, got both: leave one out")
        self._check_network()

    def _check_network(self) -> None:
        takes_encoder = self.network in ENCODED_NETWORKS
        if self.encoder != AUTO_ENCODER and not takes_encoder:
            raise ParameterError(
                f"network {self.network} takes no encoder, got {self.encoder}: leave it out, or "
                f"choose a network among {', '.join(ENCODED_NETWORKS)}"
            )
        if self.branches != DEFAULT_BRANCHES and self.network not in BRANCHED_NETWORKS:
            raise ParameterError(
                f"network {self.network} has no branches, got {self.branches}: leave them out, or "
                f"choose {', '.join(BRANCHED_NETWORKS)}"
            )
        if self.start and self.network != NETWORKS[0]:
            raise ParameterError(
                f"network {self.network} is for training from scratch, got the model "
                f"{self.start} to start from: leave one of them out"
            )

    def network_arguments(self) -> Dict[str, Any]:
        """What builds the network, beside its name."""
        if self.network in ENCODED_NETWORKS:
            is_auto = self.encoder == AUTO_ENCODER
            return {"encoder": DEFAULT_ENCODER if is_auto else self.encoder}
        return {"branches": self.branches} if self.network in BRANCHED_NETWORKS else {}
