# SPDX-License-Identifier: GPL-3.0-or-later
"""The network and the card that a training starts from, and the card of the trained model."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from cryosegment import __version__
from cryosegment.core.models.checkpoint import fingerprint
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.training.fit_settings import Validation
from cryosegment.core.training.split import Split
from cryosegment.exchange.card import Facts, ModelCard
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import (
    DEFAULT_PRESET,
    TrainParams,
    choose_front_end,
)
from cryosegment.exchange.params.training import SCRATCH_PIXELS_PER_DIAMETER
from cryosegment.exchange.records import record_to_dict


def start_of(params: TrainParams) -> tuple[nn.Module, ModelCard]:
    """The network to train, and its card so far.

    The global random state of torch, from which initial weights are drawn, is restored.
    """
    if params.start:
        model = load_model(params.start, "cpu")
        # picking and calibration suit the network that training will change
        card = replace(
            model.card, parent=fingerprint(model_path(params.start)), picking={}, calibration={}
        )
        scale = params.pixels_per_diameter or card.pixels_per_diameter
        facts = _front_end(params, card.front_end)
        return model.network, replace(card, pixels_per_diameter=scale, front_end=facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        network = build_network(params.network, **params.network_arguments())
    return network, ModelCard(
        name="",
        architecture=params.network,
        architecture_args=params.network_arguments(),
        pixels_per_diameter=params.pixels_per_diameter or SCRATCH_PIXELS_PER_DIAMETER,
        classes=HEADS,
        front_end=_front_end(params, {}),
        crf={"preset": DEFAULT_PRESET},
        license="unstated",
    )


def _front_end(params: TrainParams, facts: Facts) -> Facts:
    return choose_front_end(params.front_end, params.low_pass, facts).facts()


def label_source(folders: Sequence[Path]) -> str:
    """Sources of the labels of the folders."""
    return ", ".join(sorted({read_labels_index(folder).source for folder in folders}))


def describe(
    card: ModelCard,
    params: TrainParams,
    found: Validation,
    parts: Split,
) -> ModelCard:
    """The card of the trained model."""
    particles = sum(len(image.centers_yx) for image in parts.training)
    diameters = [round(image.diameter * image.pixel_size, 1) for image in parts.training]
    validation = len(parts.validation) if parts.is_held_out else 0
    data = {
        "micrographs": len(parts.training),
        "validation": validation,
        "particles": particles,
    }
    return replace(
        card,
        threshold=round(found.threshold, 3),
        particle_diameters=(min(diameters), max(diameters)),
        training_data=(data,),
        training={**record_to_dict(params), **card.training},
        metrics=(
            {
                "data": "validation micrographs" if parts.is_held_out else "training micrographs",
                "metric": "F1 at 0.25 diameter",
                "value": round(found.score, 4),
                "threshold": found.threshold,
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
    )
