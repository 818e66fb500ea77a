# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning of the CRF of a model on labelled micrographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cryosegment.core.crf import crf_features
from cryosegment.core.crf.calibration import calibrate_temperature
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.features import predict_features
from cryosegment.core.models.inference import predict_logits
from cryosegment.core.models.model import Model
from cryosegment.core.networks import HEADS
from cryosegment.core.tuning.crf_search import CrfTrial, Score, SegmentedImage, tune_crf
from cryosegment.core.tuning.model import metric_rows, set_up
from cryosegment.core.tuning.trials import Tuning
from cryosegment.exchange.csv_rows import csv_text
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import FEATURES, CrfParams, CrfTuneParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.tuned_files import CRF_RESULT, CRF_TABLE

EVERYTHING = CrfParams(appearance=tuple(f"{feature}:1:1:1" for feature in FEATURES))


def tune_model(
    folders: Sequence[Path], output: Path, params: CrfTuneParams, device: str, progress: Progress
) -> str:
    """Search a CRF and write a copy of the model that recommends it, or none if none helps.

    All trials are written to `.crf.csv` beside the model, and the result to `.crf.txt`.

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

    Returns
    -------
    The result in a few lines.

    Raises
    ------
    InputError, ModelError
        If the labels or the model cannot be used, or fewer than two micrographs are labelled.
    """
    bench = set_up(folders, params, device, progress)
    images = [segmented_image(item, bench.model) for item in bench.images]
    temperature = calibrate_temperature(
        [image.logits for image in images],
        [image.mask for image in images],
        [image.known for image in images],
    )
    tuning = tune_crf(images, round(temperature, 3), params.trials, params.seed, progress)
    write_text(output.with_suffix(CRF_TABLE), csv_text(_rows(tuning.trials)))
    total: Score = tuning.choice.total()
    figures = {"pixel IoU": total.pixels.iou, "boundary F1 at 2 px": total.boundaries.f1}
    data = f"{len(images)} micrographs that the CRF was tuned on"
    use = replace(bench.model.card.use, crf=tuning.choice.settings)
    bench.save(output, use, metric_rows(data, figures, threshold=0.5))
    result = summary(tuning)
    write_text(output.with_suffix(CRF_RESULT), result)
    return result


def summary(tuning: Tuning[CrfTrial]) -> str:
    """The result in a few lines."""
    before, after = _figures(tuning.before), _figures(tuning.best)
    text = f"no CRF: {before}; best: {after}; gain on held-out halves {tuning.gain:+.4f}"
    if tuning.choice.settings is None:
        return f"{text}\nno CRF is better: the card recommends none"
    return f"{text}\nthe card recommends {tuning.choice.settings}"


def segmented_image(item: LabelledImage, model: Model) -> SegmentedImage:
    """Logits and features of a model for a labelled image."""
    facts, image = model.card.network, item.working.image.to(model.device)
    every = predict_logits(model.network, image, facts.tile_size, facts.halo)
    maps = predict_features(model.network, image, facts.tile_size, facts.halo)
    logits = every[HEADS.index("particle")].clone()
    return SegmentedImage(
        logits=logits,
        features=crf_features(EVERYTHING, logits, image, maps),
        mask=(item.particles > 0).to(model.device),
        known=item.known.to(model.device),
        valid=item.working.valid.to(model.device),
    )


def _figures(trial: CrfTrial) -> str:
    total: Score = trial.total()
    return f"pixel IoU {total.pixels.iou:.4f}, boundary F1 {total.boundaries.f1:.4f}"


def _rows(trials: Sequence[CrfTrial]) -> Iterator[list[object]]:
    """The table of all trials, over all micrographs."""
    names = list(record_to_dict(CrfParams()))
    yield ["pixel_iou", "boundary_f1", "score", *names]
    for trial in trials:
        total: Score = trial.total()
        figures = [total.pixels.iou, total.boundaries.f1, total.value]
        values = {} if trial.settings is None else record_to_dict(trial.settings)
        cells = [values.get(name, "") for name in names]
        joined = [";".join(cell) if isinstance(cell, list) else cell for cell in cells]
        yield [*(f"{value:.5f}" for value in figures), *joined]
