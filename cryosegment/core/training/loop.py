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
from cryosegment.core.checkpoint import fingerprint, load_network, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.training.fit import FitSettings, Validation, fit
from cryosegment.core.training.labelled import LabelledImage, read_labels
from cryosegment.core.training.patches import PatchBatches
from cryosegment.core.training.state import Progress as TrainingProgress
from cryosegment.core.training.validation import best_f1
from cryosegment.exchange.card import ModelCard, model_path
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import TrainParams, params_to_dict
from cryosegment.exchange.progress import Progress

DEFAULT_MINUTES = 10.0
SCRATCH_RATE, FINETUNE_RATE = 2e-3, 5e-4
PATCHES_PER_MICROGRAPH = 64
"""Patches that make one epoch of a micrograph."""


def train(
    folders: Sequence[Path], output: Path, params: TrainParams, device: str, progress: Progress
) -> None:
    """Train on the labels of some folders and write the best network with its card.

    Beside the model stand `.state.safetensors`, from which `resume` goes on, and `.history.csv`.

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
    images = read_labels(folders, card.pixels_per_diameter, progress)
    training, validation = _split(images, params)
    batches = PatchBatches(training, params.patch, params.batch, params.seed)
    state_path = output.with_suffix(".state.safetensors")
    if not params.resume:
        state_path.unlink(missing_ok=True)

    def validate(candidate: nn.Module) -> Validation:
        return best_f1(candidate, [image.for_validation() for image in validation])

    def report(state: TrainingProgress, share: float) -> None:
        score = state.history[-1]["score"]
        progress(round(1000 * share), 1000, f"step {state.step}, F1 {score:.3f}")

    settings = _settings(params, len(training), device)
    best, state = fit(network, batches, validate, settings, state_path, report)
    _write_history(output.with_suffix(".history.csv"), state)
    finished = _describe(card, output, params, state, (len(training), len(validation), images))
    save_checkpoint(output, best, finished)


def _start(params: TrainParams) -> tuple[nn.Module, ModelCard]:
    """The network to train, and a card with what is known before."""
    torch.manual_seed(params.seed)
    if params.start:
        path = model_path(params.start)
        network, card = load_network(path)
        return network, replace(card, parent=fingerprint(path))
    network = build_network(params.network)
    return network, ModelCard(
        name="",
        architecture=params.network,
        architecture_args={},
        pixels_per_diameter=params.pixels_per_diameter,
        classes=HEADS,
        crf={"preset": "logits"},
        license="unstated",
    )


def _split(
    images: list[LabelledImage], params: TrainParams
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Training and validation micrographs; a single one has to be both."""
    labelled = [index for index, image in enumerate(images) if len(image.centers_yx)]
    if len(labelled) < 2:
        return images, [images[index] for index in labelled]
    count = min(max(1, round(params.validation * len(labelled))), len(labelled) - 1)
    random = np.random.default_rng(params.seed)
    held = set(random.permutation(labelled)[:count].tolist())
    training = [image for index, image in enumerate(images) if index not in held]
    return training, [images[index] for index in sorted(held)]


def _settings(params: TrainParams, micrographs: int, device: str) -> FitSettings:
    rate = params.learning_rate or (FINETUNE_RATE if params.start else SCRATCH_RATE)
    steps = None
    if params.epochs is not None:
        steps = max(1, params.epochs * micrographs * PATCHES_PER_MICROGRAPH // params.batch)
    minutes = params.minutes
    if steps is None and minutes is None:
        minutes = DEFAULT_MINUTES
    return FitSettings(steps=steps, minutes=minutes, learning_rate=rate, device=device)


def _write_history(path: Path, state: TrainingProgress) -> None:
    names = list(dict.fromkeys(name for row in state.history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.history)
    write_text(path, text.getvalue())


def _describe(
    card: ModelCard,
    output: Path,
    params: TrainParams,
    state: TrainingProgress,
    data: tuple[int, int, list[LabelledImage]],
) -> ModelCard:
    """The card of what was trained."""
    training, validation, images = data
    particles = sum(len(image.centers_yx) for image in images)
    if state.best_score < 0:
        raise ParameterError("expected a validation score, found none: give labelled micrographs")
    return replace(
        card,
        name=output.stem,
        threshold=round(state.best_threshold, 3),
        training_data=(
            {"micrographs": training, "validation": validation, "particles": particles},
        ),
        label_source="labels",
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
