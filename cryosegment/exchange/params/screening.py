# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `screen train` and `screen apply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from cryosegment.exchange.model_files import GENERAL, SCREENING, SHIPPED
from cryosegment.exchange.params.fields import (
    AUTO,
    DIAMETER_HELP,
    HEADER_PIXEL_SIZE_HELP,
    ONE_GPU_HELP,
    PATH,
    REQUIRED,
    RESUME_HELP,
    RESUME_TRAINING_HELP,
    SEED_HELP,
    THREADS_HELP,
    Y_UP_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.network_input import BRIGHT, DARK
from cryosegment.exchange.params.training_fields import check_length, minutes_field
from cryosegment.exchange.records import check_value, parse_number

SCREENING_MODEL: Dict[str, Any] = {"metavar": "MODEL", "is_path": True, "names": SHIPPED}
NONE = "none"
PICKS_HELP = "coordinates of any picker: a file, or a folder of files"
DEFAULT_SCREEN_MINUTES = 5.0
"""Training time if neither minutes nor steps are given."""


@dataclass(frozen=True)
class ScreenTrainParams(Params):
    """How a screening model is trained on labelled micrographs."""

    start: str = param(
        SCREENING,
        f"screening model to start from, or {SCREENING} for the shipped one",
        flag="from",
        **SCREENING_MODEL,
    )
    picks: str = param(
        "",
        PICKS_HELP + "; those that no label takes for particles are what the model should know as "
        "bad, so that all particles must be labelled",
        **PATH,
    )
    minutes: Optional[float] = minutes_field(DEFAULT_SCREEN_MINUTES, "steps")
    steps: Optional[int] = param(
        None, "number of training steps, instead of minutes", minimum=1, is_free=True
    )
    validation: float = param(
        0.2, "fraction of the micrographs that is kept for validation", minimum=0, maximum=0.9
    )
    batch: int = param(128, "boxes in a training step", minimum=8)
    learning_rate: float = param(3e-4, "highest learning rate", minimum=1e-6, maximum=1)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_TRAINING_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length(self.minutes, self.steps, "steps")


@dataclass(frozen=True)
class ScreenApplyParams(Params):
    """How the picks of any picker are screened."""

    picks: str = param(REQUIRED, PICKS_HELP, **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(None, HEADER_PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    y_up: bool = param(False, Y_UP_HELP)
    model: str = param(
        SCREENING, f"screening model, or {SCREENING} for the shipped one", **SCREENING_MODEL
    )
    picker: str = param(
        GENERAL,
        f"picking model that has its say, too, or {GENERAL} for the shipped one; {NONE}: the boxes "
        "and the scores alone",
        metavar="MODEL",
        is_path=True,
        names=(*SHIPPED, NONE),
    )
    threshold: str = param(
        AUTO,
        "lowest probability of a pick that is kept, in [0, 1]; auto: where the expected F1 is "
        "highest",
        is_free=True,
    )
    contrast: str = param(
        AUTO,
        "whether particles are dark or bright in the micrographs; auto: detected",
        choices=(AUTO, DARK, BRIGHT),
    )
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold != AUTO:
            value = parse_number("threshold", self.threshold)
            check_value("threshold", value, {"minimum": 0, "maximum": 1})
