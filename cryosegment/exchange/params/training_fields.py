# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters that trainings share: how long they go on, and how fast they learn."""

from __future__ import annotations

from typing import Any, Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import param

SCRATCH_RATE, FINETUNE_RATE = 2e-3, 5e-4


def minutes_field(default: float, instead: str) -> Any:
    """Field of the training time, of which `instead` is the other measure."""
    return param(
        None,
        f"training time; if neither minutes nor {instead} are given, {default:g}",
        "min",
        minimum=0.01,
        is_free=True,
    )


def epochs_field(images: str) -> Any:
    """Field of the number of epochs, in words for the images that are passed over."""
    return param(
        None, f"number of passes over the {images}, instead of minutes", minimum=1, is_free=True
    )


def learning_rate_field() -> Any:
    """Field of the learning rate of a training from scratch or from a model."""
    return param(
        0.0,
        f"highest learning rate; 0: {SCRATCH_RATE:g} from scratch, {FINETUNE_RATE:g} from a model",
        minimum=0,
        maximum=1,
        is_free=True,
    )


def patience_field(score: str) -> Any:
    """Field of how long a training waits for a better score."""
    return param(
        0,
        f"end the training after this many validations without a better {score}; 0: never",
        minimum=0,
        is_free=True,
    )


def check_length(minutes: Optional[float], count: Optional[int], name: str) -> None:
    """Check that a training has one length: minutes, or a number of what `name` says.

    Raises
    ------
    ParameterError
        If both are given.
    """
    if minutes is not None and count is not None:
        raise ParameterError(f"expected minutes or {name}, got both: leave one out")
