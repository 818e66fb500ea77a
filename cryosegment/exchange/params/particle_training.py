# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `train particles`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.model_files import PARTICLES
from cryosegment.exchange.params.fields import (
    AUTO,
    ONE_GPU_HELP,
    RESUME_TRAINING_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.network_input import BRIGHT, DARK
from cryosegment.exchange.params.networks import (
    branches_field,
    check_network,
    check_start,
    encoder_field,
    network_field,
)
from cryosegment.exchange.params.training_fields import (
    check_length,
    epochs_field,
    learning_rate_field,
    minutes_field,
    patience_field,
)

DEFAULT_MINUTES = 20.0
"""Training time if neither minutes nor epochs are given."""


@dataclass(frozen=True)
class TrainParticlesParams(Params):
    """How a model of particle images is trained on masks of refined particles."""

    start: str = param(
        "",
        f"model of particle images to fine-tune, or {PARTICLES} for the shipped one; if left out, "
        "training starts from scratch",
        flag="from",
        metavar="MODEL",
        is_path=True,
        names=(PARTICLES,),
    )
    network: str = network_field()
    encoder: str = encoder_field()
    branches: int = branches_field()
    contrast: str = param(
        BRIGHT,
        "whether particles are bright in the images, as RELION extracts them, or dark",
        choices=(BRIGHT, DARK),
    )
    particles: int = param(
        20_000,
        "most particles that are taken, at random; their images stay in memory, some 20 KB each",
        minimum=10,
    )
    minutes: Optional[float] = minutes_field(DEFAULT_MINUTES, "epochs")
    epochs: Optional[int] = epochs_field("particles")
    validation: float = param(
        0.2,
        "fraction of the micrographs whose particles are kept for validation",
        minimum=0,
        maximum=0.9,
    )
    batch: int = param(16, "particles in a training step", minimum=2)
    learning_rate: float = learning_rate_field()
    patience: int = patience_field("overlap")
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_TRAINING_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length(self.minutes, self.epochs, "epochs")
        check_network(self.network, self.encoder, self.branches)
        check_start(self.start, self.network)
