# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels to a model: from scratch or from another model."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cryosegment import __version__
from cryosegment.core.checkpoint import fingerprint, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.pipeline import load_model
from cryosegment.core.training.fit import FitSettings, fit
from cryosegment.core.training.joint import RefinedNetwork
from cryosegment.core.training.labelled import LabelledImage, read_labels
from cryosegment.core.training.patches import PatchBatches
from cryosegment.core.training.state import Progress as TrainingProgress
from cryosegment.core.training.state import remove_state
from cryosegment.core.training.validation import best_f1
from cryosegment.exchange.card import ModelCard, model_path
from cryosegment.exchange.files import write_text
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import (
    CRF_PRESETS,
    DEFAULT_PRESET,
    NO_CRF,
    TrainParams,
    params_to_dict,
)
from cryosegment.exchange.progress import Progress

DEFAULT_MINUTES = 10.0
SCRATCH_RATE, FINETUNE_RATE = 2e-3, 5e-4
PATCHES_PER_MICROGRAPH = 64
"""Patches that make one epoch of a micrograph."""


def train(
    folders: Sequence[Path], output: Path, params: TrainParams, device: str, progress: Progress
) -> None:
    """Train on the labels of some folders and write the best network with its card.

    Beside the model stand `.state.safetensors`, from which `resume` goes on, the best network so
    far, and `.history.csv`; all are written at each validation. Resuming what has finished writes
    the model again and trains no more.

    Parameters
    ----------
    folders
        Labels folders.
    output
        Model file.
    params
        How to train.
    device
        Torch device.
    progress
        Told of reading and of every step, in thousandths of the training.

    Raises
    ------
    InputError, ModelError, ParameterError
        If labels, the model to start from or the parameters cannot be used.
    """
    network, card = _start(params)
    if params.crf != NO_CRF:
        network = RefinedNetwork(network, CRF_PRESETS[params.crf])
    images = read_labels(folders, card.pixels_per_diameter, progress)
    training, validation = _split(images, params)
    batches = PatchBatches(training, params.patch, params.batch, params.seed)
    scored = [image.for_validation() for image in validation]
    history_path = output.with_suffix(".history.csv")
    state_path = output.with_suffix(".state.safetensors")
    if not params.resume:
        remove_state(state_path)

    def report(state: TrainingProgress, share: float) -> None:
        last = state.history[-1]
        if last["step"] == state.step:
            _write_history(history_path, state)
        progress(round(1000 * share), 1000, f"step {state.step}, F1 {last['score']:.3f}")

    settings = _settings(params, len(training), device)
    best, state = fit(
        network, batches, lambda candidate: best_f1(candidate, scored), settings, state_path, report
    )
    _write_history(history_path, state)
    if isinstance(best, RefinedNetwork):
        card, best = replace(card, crf=params_to_dict(best.learned())), best.network
    card = replace(card, name=output.stem, label_source=_label_source(folders))
    save_checkpoint(output, best, _describe(card, params, state, training, validation))


def _start(params: TrainParams) -> tuple[nn.Module, ModelCard]:
    """The network to train, and a card with what is known before.

    The global random numbers of torch, from which layers take their first weights, stay as
    they were.
    """
    if params.start:
        model = load_model(params.start)
        return model.network, replace(model.card, parent=fingerprint(model_path(params.start)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        network = build_network(params.network, **params.network_arguments())
    return network, ModelCard(
        name="",
        architecture=params.network,
        architecture_args=params.network_arguments(),
        pixels_per_diameter=params.pixels_per_diameter,
        classes=HEADS,
        crf={"preset": DEFAULT_PRESET},
        license="unstated",
    )


def _split(
    images: list[LabelledImage], params: TrainParams
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Training and validation micrographs; a single one, or a fraction of 0, makes them both."""
    labelled = [index for index, image in enumerate(images) if len(image.centers_yx)]
    if len(labelled) < 2 or params.validation == 0:
        return images, [images[index] for index in labelled]
    count = min(max(1, round(params.validation * len(labelled))), len(labelled) - 1)
    random = np.random.default_rng(params.seed)
    held = set(random.permutation(labelled)[:count].tolist())
    training = [image for index, image in enumerate(images) if index not in held]
    return training, [images[index] for index in sorted(held)]


def _settings(params: TrainParams, micrographs: int, device: str) -> FitSettings:
    """How long and how fast to train on that many micrographs."""
    rate = params.learning_rate or (FINETUNE_RATE if params.start else SCRATCH_RATE)
    steps = None
    if params.epochs is not None:
        steps = max(1, params.epochs * micrographs * PATCHES_PER_MICROGRAPH // params.batch)
    minutes = params.minutes
    if steps is None and minutes is None:
        minutes = DEFAULT_MINUTES
    return FitSettings(steps=steps, minutes=minutes, learning_rate=rate, device=device)


def _write_history(path: Path, state: TrainingProgress) -> None:
    """Write a row for each validation so far."""
    names = list(dict.fromkeys(name for row in state.history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.history)
    write_text(path, text.getvalue())


def _label_source(folders: Sequence[Path]) -> str:
    """Where the labels of the folders come from."""
    return ", ".join(sorted({read_labels_index(folder).source for folder in folders}))


def _describe(
    card: ModelCard,
    params: TrainParams,
    state: TrainingProgress,
    training: list[LabelledImage],
    validation: list[LabelledImage],
) -> ModelCard:
    """The card of what was trained."""
    particles = sum(len(image.centers_yx) for image in training)
    diameters = [round(image.diameter * image.pixel_size, 1) for image in training]
    data = {"micrographs": len(training), "validation": len(validation), "particles": particles}
    return replace(
        card,
        threshold=round(state.best_threshold, 3),
        particle_diameters=(min(diameters), max(diameters)),
        training_data=(data,),
        training={**params_to_dict(params), "steps": state.step},
        metrics=(
            {
                "data": "validation micrographs",
                "metric": "F1 at 0.25 diameter",
                "value": round(state.best_score, 4),
                "threshold": state.best_threshold,
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
    )
