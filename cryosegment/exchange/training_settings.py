# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of trainings: what the parameters say, or the model that training starts from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional, Union

from cryosegment.exchange.params import (
    AUTO,
    WITH_CTF,
    FrontEndParams,
    InputParams,
    TrainParams,
    TrainParticlesParams,
)
from cryosegment.exchange.params.networks import BATCH_NORM, DEFAULT_ENCODER
from cryosegment.exchange.params.training import SCRATCH_PIXELS_PER_DIAMETER
from cryosegment.exchange.params.training_fields import FINETUNE_RATE, SCRATCH_RATE
from cryosegment.exchange.parts import BRANCHES, ENCODER, NETWORKS

MAY_NEED_CTF = (AUTO, *WITH_CTF)
"""Choices of the front end with which the CTF may be needed."""


def trained_input(params: TrainParams, start: Optional[InputParams] = None) -> InputParams:
    """Input of a network in training; where the parameters leave it open, that of the start.

    Parameters
    ----------
    params
        How it is trained.
    start
        Input of the model that training starts from; None from scratch.
    """
    own = InputParams(SCRATCH_PIXELS_PER_DIAMETER) if start is None else start
    front_end = chosen_front_end(params.front_end, own.front_end, params.low_pass)
    scale = params.pixels_per_diameter or own.pixels_per_diameter
    return replace(own, pixels_per_diameter=scale, front_end=front_end)


def chosen_front_end(
    name: str, own: FrontEndParams, resolution: float = FrontEndParams.resolution
) -> FrontEndParams:
    """The front end that a user chose.

    Parameters
    ----------
    name
        `auto` for that of the model, or one of `FRONT_ENDS`.
    own
        Of the model that training starts from; none from scratch.
    resolution
        Of a low-pass, Å.
    """
    return own if name == AUTO else FrontEndParams(name, resolution)


def minutes_of(minutes: Optional[float], steps: Optional[int], default: float) -> Optional[float]:
    """Time limit of a training; None where its steps alone limit it.

    Parameters
    ----------
    minutes, steps
        As they are given; None for none.
    default
        Minutes if neither is.
    """
    return default if minutes is None and steps is None else minutes


def learning_rate_of(params: Union[TrainParams, TrainParticlesParams]) -> float:
    """Highest learning rate of a training."""
    return params.learning_rate or (FINETUNE_RATE if params.start else SCRATCH_RATE)


def network_arguments(params: Union[TrainParams, TrainParticlesParams]) -> Dict[str, Any]:
    """What builds the network of a training from scratch, beside its name."""
    part = NETWORKS[params.network]
    told = {
        ENCODER: DEFAULT_ENCODER if params.encoder == AUTO else params.encoder,
        BRANCHES: params.branches,
    }
    given = {name: told[name] for name in part.takes}
    return {**part.arguments, **given, "normalization": BATCH_NORM}
