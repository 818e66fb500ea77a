# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training is told, and what its validations answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryosegment.core.training.fit.objective import Loss
from cryosegment.core.training.fit.ranks import ALONE, Ranks
from cryosegment.exchange.errors import ParameterError


@dataclass(frozen=True)
class Validation:
    """Result of a validation: the score to maximise, and figures to note with it, by name."""

    score: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FitSettings:
    """Settings of a training: its length, learning rate and more.

    Parameters
    ----------
    loss
        Loss function.
    steps
        Number of optimiser steps; None if only the time is limited.
    minutes
        Time limit; None if only the steps are limited.
    learning_rate
        Peak of the schedule.
    schedule
        Course of the learning rate (see `learning_rate`).
    validations
        Number of validations, evenly spread.
    patience
        Validations without a better score that end the training; 0 for any number.
    averaging
        Decay of the exponential average of the weights.
    moving_statistics
        Share of the training in which batch normalisation takes the statistics of the batch;
        later, those that it has gathered until then, as in prediction.
    bfloat16
        Whether a CPU computes in bfloat16, as a GPU always does; fast only on some CPUs.
    workers
        Processes that prepare batches.
    device
        Torch device.
    ranks
        The processes that train it. Only the first validates, writes and reports.
    labels
        Fingerprint of the labels and parameters, which must be the same to resume a training.
    """

    loss: Loss
    steps: int | None
    minutes: float | None
    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    validations: int = 10
    patience: int = 0
    averaging: float = 0.998
    moving_statistics: float = 0.7
    bfloat16: bool = False
    workers: int = 0
    device: str = "cpu"
    ranks: Ranks = ALONE
    labels: str = ""

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ParameterError("expected steps or minutes, found neither: say how long to train")
