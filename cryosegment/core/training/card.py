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
from cryosegment.core.training.data.split import Split
from cryosegment.core.training.fit.settings import Validation
from cryosegment.core.training.validation import THRESHOLD
from cryosegment.exchange.card import ModelCard, Provenance, TrainedNetwork, Use
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import CRF_PRESETS, DEFAULT_PRESET, SelectionParams, TrainParams
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.training_settings import network_arguments, trained_input


def start_of(params: TrainParams) -> tuple[nn.Module, ModelCard]:
    """The network to train, and its card so far.

    The global random state of torch, from which initial weights are drawn, is restored.
    """
    if params.start:
        model = load_model(params.start, "cpu")
        provenance = replace(model.card.provenance, parent=fingerprint(model_path(params.start)))
        # selection and calibration suit the network that training will change
        use = replace(model.card.use, selection=SelectionParams(), calibration=None)
        seen = trained_input(params, model.card.input)
        return model.network, replace(model.card, input=seen, use=use, provenance=provenance)
    arguments = network_arguments(params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        network = build_network(params.network, **arguments)
    return network, ModelCard(
        name="",
        network=TrainedNetwork(params.network, arguments, HEADS),
        input=trained_input(params),
        use=Use(crf=CRF_PRESETS[DEFAULT_PRESET]),
        provenance=Provenance(license="unstated"),
    )


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
    diameters = [round(image.diameter * image.working.pixel_size, 1) for image in parts.training]
    validation = len(parts.validation) if parts.is_held_out else 0
    data = {
        "micrographs": len(parts.training),
        "validation": validation,
        "particles": particles,
    }
    provenance = replace(
        card.provenance,
        particle_diameters=(min(diameters), max(diameters)),
        training_data=(data,),
        training={**record_to_dict(params), **card.provenance.training},
        metrics=(
            {
                "data": "validation micrographs" if parts.is_held_out else "training micrographs",
                "metric": "F1 at 0.25 diameter",
                "value": round(found.score, 4),
                "threshold": found.figures[THRESHOLD],
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
    )
    use = replace(card.use, threshold=round(found.figures[THRESHOLD], 3))
    return replace(card, use=use, provenance=provenance)
