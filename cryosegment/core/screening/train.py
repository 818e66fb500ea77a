# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a screening model on labelled micrographs, from another one."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cryosegment import __version__
from cryosegment.core.labels.labelled import LabelledImage, labels_fingerprint, read_labels
from cryosegment.core.models.checkpoint import fingerprint as fingerprint_of_file
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.screening.data import BoxBatches, PickedImage, box_loss
from cryosegment.core.screening.model import load_screening_model
from cryosegment.core.screening.validation import BoxValidation
from cryosegment.core.training.card import label_source
from cryosegment.core.training.data.split import split
from cryosegment.core.training.fit.curves import Curves
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import begin_state, check_resumed
from cryosegment.exchange.card import ModelCard, Provenance
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.finished import fingerprint
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.params import ScreenTrainParams
from cryosegment.exchange.params.screening import DEFAULT_SCREEN_MINUTES
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.training_settings import minutes_of

IMAGES_IN_A_BATCH = 4


def train_screening(
    folders: Sequence[Path],
    output: Path,
    params: ScreenTrainParams,
    device: str,
    progress: Progress,
) -> None:
    """Train a classifier of boxes on labels, and write the best one with its card.

    Particles are the labelled ones, interference is what is labelled as contamination, and noise
    is background. Beside the model are its state and its curves, as for picking models.

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
        Called when a micrograph was read, and after every step in thousandths of the training.

    Raises
    ------
    InputError, ModelError, ParameterError
        If labels, picks, the model to start from or the parameters cannot be used.
    """
    check_resumed(output, params.resume)
    start = load_screening_model(params.start, "cpu")
    images = read_labels(folders, start.card.input, progress)
    parts = split(images, params.validation, params.seed)
    training, held = (_picked(part, params.picks) for part in (parts.training, parts.validation))
    state_path, curves = begin_state(output, params.resume), Curves(output, "AP", progress)
    validation = BoxValidation(held, params.seed)
    settings = replace(
        _settings(params, device), labels=f"{labels_fingerprint(images)} {fingerprint(params)}"
    )
    batches = BoxBatches(SomeImages(training), params.batch, params.seed)
    best, state = fit(start.network, batches, validation, settings, state_path, curves)
    curves.write(state)
    curves.close()
    data = {"micrographs": len(training), "validation": len(held) if parts.is_held_out else 0}
    provenance = Provenance(
        label_source=label_source(folders),
        training_data=(data,),
        training={**record_to_dict(params), "steps": state.step, "seconds": round(state.seconds)},
        parent=fingerprint_of_file(model_path(params.start)),
        license="unstated",
    )
    card = replace(start.card, name=output.stem, provenance=provenance)
    found = Validation(state.best_score, state.best)
    where = "validation micrographs" if parts.is_held_out else "training micrographs"
    save_screening_model(output, best, card, validation, found, where)


def save_screening_model(
    output: Path,
    network: nn.Module,
    card: ModelCard,
    validation: BoxValidation,
    found: Validation,
    where: str,
) -> None:
    """Write a trained classifier with its card, calibrated on what it was validated on.

    Parameters
    ----------
    output
        Model file.
    network
        In evaluation mode.
    card
        Its card so far.
    validation
        What it was validated on, where `found` was found.
    found
        The result.
    where
        What that was, in words.
    """
    metric = {"data": where, "metric": "average precision", "value": round(found.score, 4)}
    provenance = replace(
        card.provenance,
        metrics=(metric,),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
    )
    use = replace(card.use, calibration=validation.calibrate(network))
    save_checkpoint(output, network, replace(card, use=use, provenance=provenance))


def _settings(params: ScreenTrainParams, device: str) -> FitSettings:
    return FitSettings(
        loss=box_loss,
        steps=params.steps,
        minutes=minutes_of(params.minutes, params.steps, DEFAULT_SCREEN_MINUTES),
        learning_rate=params.learning_rate,
        moving_statistics=0.0,
        device=device,
    )


def _picked(images: Sequence[LabelledImage], path: str) -> list[PickedImage]:
    """The images with the picks that a file or folder has for them."""
    read: dict[float, Mapping[str, Coordinates]] = {}
    found = []
    for item in images:
        picks = np.empty((0, 2))
        if path:
            size = item.working.micrograph_pixel_size
            if size not in read:
                read[size] = read_coordinates(path, size)
            own = ByMicrograph(read[size]).of(micrograph_name(item.micrograph))
            picks = picks if own is None else item.working.from_micrograph(own.centers_yx)
        found.append(PickedImage(item, torch.from_numpy(picks).float()))
    return found


@dataclass(frozen=True)
class SomeImages:
    """A few images for each batch, at random.

    Parameters
    ----------
    images
        All.
    """

    images: Sequence[PickedImage]

    def __call__(self, random: np.random.Generator) -> list[PickedImage]:
        """Some of them."""
        chosen = random.permutation(len(self.images))[:IMAGES_IN_A_BATCH]
        return [self.images[i] for i in chosen]
