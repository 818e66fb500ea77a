# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.crf import NO_CRF
from cryosegment.exchange.params.fields import (
    GPU_HELP,
    MODEL_PATH,
    PATH,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import (
    AUTO_FRONT_END,
    CTF_HELP,
    FRONT_ENDS,
    LOW_PASS,
    WITH_CTF,
)
from cryosegment.exchange.params.networks import (
    AUTO_ENCODER,
    BRANCHED_NETWORKS,
    DEFAULT_BRANCHES,
    DEFAULT_ENCODER,
    ENCODERS,
    MOST_BRANCHES,
    NETWORKS,
    OWN_ENCODED_NETWORKS,
    check_network,
    network_arguments,
)

TRAINED_PRESETS = ("gaussian", "intensity", "logits")
"""CRFs whose features a gradient can pass, or that need none."""

LOSSES = (
    "bce+dice",
    "bce",
    "smoothed-bce",
    "focal",
    "dice",
    "jaccard",
    "lovasz",
    "tversky",
    "focal-tversky",
)
COMPLETE, PARTIAL = "complete", "partial"
DEFAULT_MINUTES = 10.0
"""Training time where neither minutes nor epochs are given."""
SCRATCH_PIXELS_PER_DIAMETER = 20.0
SCRATCH_RATE, FINETUNE_RATE = 2e-3, 5e-4
PIXELS_PER_DIAMETER_HELP = (
    "particle diameter at the network's input: more is slower and draws finer outlines; "
    f"0: the model's, or {SCRATCH_PIXELS_PER_DIAMETER:g} from scratch"
)
LEARNING_RATE_HELP = (
    f"learning rate at its highest; 0: {SCRATCH_RATE:g} from scratch, {FINETUNE_RATE:g} from a "
    "model"
)
MIN_PIXELS = 4
AUGMENTATIONS = ("none", "basic", "full")
SCHEDULES = ("one-cycle", "cosine")


@dataclass(frozen=True)
class TrainParams(Params):
    """Labels to a model."""

    start: str = param(
        "", "model to fine-tune, or general; left out: from scratch", flag="from", **MODEL_PATH
    )
    network: str = param(
        NETWORKS[0],
        "network architecture; smp-...: of segmentation_models.pytorch, where it is installed",
        choices=NETWORKS,
    )
    encoder: str = param(
        AUTO_ENCODER,
        f"encoder of {', '.join(OWN_ENCODED_NETWORKS)} and smp-...; auto: {DEFAULT_ENCODER}",
        choices=(AUTO_ENCODER, *ENCODERS),
    )
    branches: int = param(
        DEFAULT_BRANCHES,
        f"parallel dilated branches of {', '.join(BRANCHED_NETWORKS)}",
        minimum=1,
        maximum=MOST_BRANCHES,
    )
    loss: str = param("bce+dice", "loss of the particle map", choices=LOSSES)
    labels_are: str = param(
        COMPLETE,
        "whether the labels have every particle of their micrographs, or part of them, as if by "
        "chance",
        choices=(COMPLETE, PARTIAL),
    )
    expected_particles: Optional[float] = param(
        None,
        "particles on a micrograph, labelled or not, where labels are partial; left out: estimated "
        "with the model that training starts from",
        minimum=1,
    )
    partial_loss: str = param(
        "nnpu",
        "how to learn from partial labels: non-negative risk, or the expected number",
        choices=("nnpu", "ge-binomial"),
    )
    crf: str = param(
        NO_CRF,
        "conditional random field to train through; its kernels are learned and go in the card",
        choices=(NO_CRF, *TRAINED_PRESETS),
    )
    minutes: Optional[float] = param(
        None,
        f"training time; without epochs either: {DEFAULT_MINUTES:g}",
        "min",
        minimum=0.01,
    )
    epochs: Optional[int] = param(
        None, "passes over the micrographs, in place of minutes", minimum=1
    )
    validation: float = param(
        0.2, "fraction of the micrographs kept for validation", minimum=0, maximum=0.9
    )
    pixels_per_diameter: float = param(0.0, PIXELS_PER_DIAMETER_HELP, "px", minimum=0, maximum=200)
    front_end: str = param(
        AUTO_FRONT_END,
        "filter or denoiser before the network, which goes in the card; auto: that of the model "
        "to start from, or none",
        choices=(AUTO_FRONT_END, *FRONT_ENDS),
    )
    low_pass: float = param(
        0.0,
        "resolution of the front end low-pass; 0: a fifth of the particle diameter",
        "Å",
        minimum=0,
        maximum=1000,
    )
    ctf: str = param("", CTF_HELP, **PATH)
    batch: int = param(8, "patches in a step", minimum=1)
    patch: int = param(192, "side of a patch", "px", minimum=32, maximum=4096)
    augmentation: str = param(
        "basic",
        "change of patches: none; turned, scaled a little, other contrast and noise; or also "
        "other spectra, noise of other places, particles pasted on empty ice",
        choices=AUGMENTATIONS,
    )
    learning_rate: float = param(0.0, LEARNING_RATE_HELP, minimum=0, maximum=1)
    schedule: str = param(
        "one-cycle",
        "how the learning rate goes: up, then down by half a cosine; or down alone",
        choices=SCHEDULES,
    )
    patience: int = param(
        0, "validations without a better F1 that end the training; 0: any number", minimum=0
    )
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("auto", GPU_HELP, metavar="IDS")
    threads: int = param(0, THREADS_HELP, minimum=0)
    resume: bool = param(False, "go on with an interrupted training")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes is not None and self.epochs is not None:
            raise ParameterError("expected minutes or epochs, got both: leave one out")
        check_network(self.network, self.encoder, self.branches)
        if self.start and self.network != NETWORKS[0]:
            raise ParameterError(
                f"network {self.network} is for training from scratch, got the model "
                f"{self.start} to start from: leave one of them out"
            )
        if 0 < self.pixels_per_diameter < MIN_PIXELS:
            raise ParameterError(
                f"expected particles of at least {MIN_PIXELS} px, got {self.pixels_per_diameter:g}"
            )
        if self.front_end in WITH_CTF and not self.ctf:
            raise ParameterError(
                f"the front end {self.front_end} needs CTFs, got none: give a file of "
                "them, or choose another"
            )
        if self.low_pass != TrainParams.low_pass and self.front_end != LOW_PASS:
            raise ParameterError(
                f"expected the front end {LOW_PASS} where its resolution is given, got "
                f"{self.front_end}"
            )
        self._check_labels()

    def _check_labels(self) -> None:
        """Check what goes with complete labels alone, or with partial ones."""
        if self.labels_are == COMPLETE:
            if self.partial_loss != TrainParams.partial_loss:
                raise ParameterError(
                    "expected partial labels where a loss of such is given, got complete ones"
                )
            if self.expected_particles is not None:
                raise ParameterError(
                    "expected partial labels where expected particles are given, got complete ones"
                )
        elif self.loss != TrainParams.loss:
            raise ParameterError(
                "expected no loss of complete labels beside partial ones, which have their own, "
                f"got {self.loss}"
            )
        elif not self.start and self.expected_particles is None:
            raise ParameterError(
                "partial labels need the number of expected particles, or a model to start from, "
                "which estimates it, got neither"
            )

    def network_arguments(self) -> Dict[str, Any]:
        """What builds the network, beside its name."""
        return network_arguments(self.network, self.encoder, self.branches)
