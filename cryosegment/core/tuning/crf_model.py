# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning of the CRF of a model on labelled micrographs."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cryosegment.core.crf import crf_features
from cryosegment.core.crf.calibration import calibrate_temperature
from cryosegment.core.labels.labelled import LabelledImage, for_judging, read_labels
from cryosegment.core.models.checkpoint import fingerprint, save_checkpoint
from cryosegment.core.models.features import predict_features
from cryosegment.core.models.inference import predict_logits
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.networks import HEADS
from cryosegment.core.tuning.crf_search import Trial, Tuning, TuningImage, tune_crf
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.files import write_text
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import (
    FEATURES,
    CrfParams,
    CrfTuneParams,
)
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict

EVERYTHING = CrfParams(appearance=tuple(f"{feature}:1:1:1" for feature in FEATURES))


@dataclass(frozen=True)
class TunedModel:
    """Result of tuning the CRF of a model.

    Parameters
    ----------
    tuning
        The search.
    """

    tuning: Tuning

    def summary(self) -> str:
        """The result in a line or two."""
        before, after = (_figures(t) for t in (self.tuning.trials[0], self.tuning.best))
        text = f"no CRF: {before}; best: {after}; gain on held-out halves {self.tuning.gain:+.4f}"
        if self.tuning.crf is None:
            return f"{text}\nno CRF is better: the card recommends none"
        return f"{text}\nthe card recommends {self.tuning.crf}"


def tune_model(
    folders: Sequence[Path], output: Path, params: CrfTuneParams, device: str, progress: Progress
) -> TunedModel:
    """Search a CRF and write a copy of the model that recommends it, or none if none helps.

    All trials are written to `.crf.csv` beside the model.

    Parameters
    ----------
    folders
        Labels folders.
    output
        Model file.
    params
        Model and number of trials.
    device
        Torch device.
    progress
        Called when a micrograph was read and after every trial.

    Raises
    ------
    InputError, ModelError
        If the labels or the model cannot be used, or fewer than two micrographs are labelled.
    """
    model = load_model(params.model, device)
    labelled = read_labels(folders, model.card.input, progress, params.ctf)
    images = [tuning_image(item, model) for item in for_judging(labelled)]
    temperature = calibrate_temperature(
        [image.logits for image in images],
        [image.mask for image in images],
        [image.known for image in images],
    )
    temperature = round(temperature, 3)
    tuning = tune_crf(images, temperature, params.trials, params.seed, progress)
    tuned = TunedModel(tuning)
    _write_trials(output.with_suffix(".crf.csv"), tuning.trials)
    parent = fingerprint(model_path(params.model))
    card = _describe(replace(model.card, name=output.stem), parent, tuned, len(images))
    save_checkpoint(output, model.network, card)
    return tuned


def tuning_image(item: LabelledImage, model: Model) -> TuningImage:
    """Logits and features of a model for a labelled image."""
    facts, image = model.card.network, item.image.to(model.device)
    every = predict_logits(model.network, image, facts.tile_size, facts.halo)
    maps = predict_features(model.network, image, facts.tile_size, facts.halo)
    logits = every[HEADS.index("particle")].clone()
    return TuningImage(
        logits=logits,
        features=crf_features(EVERYTHING, logits, image, maps),
        mask=(item.instances > 0).to(model.device),
        known=item.known.to(model.device),
        valid=item.valid.to(model.device),
    )


def _describe(card: ModelCard, parent: str, tuned: TunedModel, micrographs: int) -> ModelCard:
    best = tuned.tuning.best if tuned.tuning.crf is not None else tuned.tuning.trials[0]
    total = best.total(range(micrographs))
    figures = {"pixel IoU": total.pixels.iou, "boundary F1 at 2 px": total.boundaries.f1}
    data = f"{micrographs} micrographs that the CRF was tuned on"
    found = tuple(
        {"data": data, "metric": name, "value": round(value, 4), "threshold": 0.5}
        for name, value in figures.items()
    )
    provenance = replace(
        card.provenance,
        parent=parent,
        metrics=(*card.provenance.metrics, *found),
        date=datetime.date.today().isoformat(),
        software={**card.provenance.software, "torch": torch.__version__},
    )
    return replace(card, use=replace(card.use, crf=tuned.tuning.crf), provenance=provenance)


def _figures(trial: Trial) -> str:
    total = trial.total(range(len(trial.scores)))
    return f"pixel IoU {total.pixels.iou:.4f}, boundary F1 {total.boundaries.f1:.4f}"


def _write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Write the table of all trials."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(record_to_dict(CrfParams()))
    writer.writerow(["pixel_iou", "boundary_f1", "score", *names])
    for trial in trials:
        total = trial.total(range(len(trial.scores)))
        figures = [total.pixels.iou, total.boundaries.f1, total.value]
        values = {} if trial.crf is None else record_to_dict(trial.crf)
        cells = [values.get(name, "") for name in names]
        joined = [";".join(cell) if isinstance(cell, list) else cell for cell in cells]
        writer.writerow([*(f"{value:.5f}" for value in figures), *joined])
    write_text(path, text.getvalue())
