# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.crf import NO_CRF
from cryosegment.exchange.params.fields import (
    AUTO,
    FILE,
    GPU_HELP,
    MODEL_PATH,
    RESUME_TRAINING_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import (
    CTF_HELP,
    FRONT_ENDS,
    LOW_PASS,
    WITH_CTF,
)
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
from cryosegment.exchange.parts import LOSSES

TRAINED_PRESETS = ("gaussian", "intensity", "logits")
"""CRFs that a network can be trained through: gradients pass through their features."""

COMPLETE, PARTIAL = "complete", "partial"
DEFAULT_MINUTES = 10.0
"""Training time if neither minutes nor epochs are given."""
SCRATCH_PIXELS_PER_DIAMETER = 20.0
PIXELS_PER_DIAMETER_HELP = (
    "particle diameter at the network's input: a larger one gives finer outlines and is slower; "
    f"0: that of the model, or {SCRATCH_PIXELS_PER_DIAMETER:g} from scratch"
)
MIN_PIXELS = 4
AUGMENTATIONS = ("none", "basic", "full")
SCHEDULES = ("one-cycle", "cosine")


@dataclass(frozen=True)
class TrainParams(Params):
    """How a model is trained on labels."""

    start: str = param(
        "",
        "model to fine-tune, or general for the shipped model; if left out, training starts from "
        "scratch",
        flag="from",
        **MODEL_PATH,
    )
    network: str = network_field()
    encoder: str = encoder_field()
    branches: int = branches_field()
    loss: str = param(
        next(iter(LOSSES)), "loss function of the particle map", choices=tuple(LOSSES)
    )
    labels_are: str = param(
        COMPLETE,
        "whether every particle of the micrographs is labelled (complete) or a random part of them "
        "(partial)",
        choices=(COMPLETE, PARTIAL),
    )
    expected_particles: Optional[float] = param(
        None,
        "mean number of particles on a micrograph, labelled or not, for partial labels; if left "
        "out, estimated with the model that training starts from",
        minimum=1,
    )
    partial_loss: str = param(
        "nnpu",
        "loss function for partial labels: non-negative risk (nnpu), or agreement with the "
        "expected number of particles (ge-binomial)",
        choices=("nnpu", "ge-binomial"),
    )
    crf: str = param(
        NO_CRF,
        "conditional random field (CRF) that is trained together with the network",
        choices=(NO_CRF, *TRAINED_PRESETS),
    )
    minutes: Optional[float] = minutes_field(DEFAULT_MINUTES, "epochs")
    epochs: Optional[int] = epochs_field("micrographs")
    validation: float = param(
        0.2, "fraction of the micrographs that is kept for validation", minimum=0, maximum=0.9
    )
    pixels_per_diameter: float = param(0.0, PIXELS_PER_DIAMETER_HELP, "px", minimum=0, maximum=200)
    front_end: str = param(
        AUTO,
        "filter or denoiser before the network, applied in training and in picking; auto: that of "
        "the model that training starts from, or none",
        choices=(AUTO, *FRONT_ENDS),
    )
    low_pass: float = param(
        0.0,
        "resolution of the front end low-pass; 0: a fifth of the particle diameter",
        "Å",
        minimum=0,
        maximum=1000,
    )
    ctf: str = param("", CTF_HELP, **FILE)
    batch: int = param(8, "patches in a training step", minimum=1)
    patch: int = param(192, "side of a training patch", "px", minimum=48, maximum=4096)
    augmentation: str = param(
        "basic",
        "random changes of the patches: none; rotation, small changes of scale, contrast and noise "
        "(basic); or also changes of the power spectrum, noise from elsewhere and particles pasted "
        "on empty ice (full)",
        choices=AUGMENTATIONS,
    )
    learning_rate: float = learning_rate_field()
    schedule: str = param(
        "one-cycle",
        "course of the learning rate: up, then down along half a cosine (one-cycle); or down only "
        "(cosine)",
        choices=SCHEDULES,
    )
    patience: int = patience_field("F1")
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param(AUTO, GPU_HELP, metavar="IDS", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_TRAINING_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length(self.minutes, self.epochs, "epochs")
        check_network(self.network, self.encoder, self.branches)
        check_start(self.start, self.network)
        if 0 < self.pixels_per_diameter < MIN_PIXELS:
            raise ParameterError(
                f"expected particles of at least {MIN_PIXELS} px, got {self.pixels_per_diameter:g}"
            )
        if self.front_end in WITH_CTF and not self.ctf:
            raise ParameterError(
                f"the front end {self.front_end} needs CTFs, got none: give them, or choose "
                "another front end"
            )
        if self.low_pass != TrainParams.low_pass and self.front_end != LOW_PASS:
            raise ParameterError(
                f"the resolution of a low-pass needs the front end {LOW_PASS}, got "
                f"{self.front_end}: leave one of them out"
            )
        self._check_labels()

    def _check_labels(self) -> None:
        """Check the parameters that are for complete labels only, or for partial labels only."""
        if self.labels_are == COMPLETE:
            if self.partial_loss != TrainParams.partial_loss:
                raise ParameterError(
                    "the loss function for partial labels was given, but labels are complete: "
                    "leave it out, or say that labels are partial"
                )
            if self.expected_particles is not None:
                raise ParameterError(
                    "the expected number of particles was given, but labels are complete: leave it "
                    "out, or say that labels are partial"
                )
        elif self.loss != TrainParams.loss:
            raise ParameterError(
                f"the loss function {self.loss} is for complete labels, but labels are partial: "
                "leave it out"
            )
        elif not self.start and self.expected_particles is None:
            raise ParameterError(
                "partial labels need the expected number of particles, or a model to start from "
                "that estimates it: give one of the two"
            )
