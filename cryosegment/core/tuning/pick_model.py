# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning of the picking parameters of a model on labelled micrographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.model import Model
from cryosegment.core.picking.centers import away_from_edge
from cryosegment.core.pipeline.micrograph import segment
from cryosegment.core.tuning.calibration import calibrate
from cryosegment.core.tuning.figure import draw_tuning
from cryosegment.core.tuning.finder_table import best_of_finders, finder_table
from cryosegment.core.tuning.model import metric_rows, set_up
from cryosegment.core.tuning.pick_search import (
    Figures,
    MappedImage,
    PickTrial,
    PickTuning,
    average_precision,
    judge,
    try_selections,
)
from cryosegment.core.tuning.thresholds import THRESHOLDS
from cryosegment.exchange.card import Facts, Use
from cryosegment.exchange.csv_rows import csv_text
from cryosegment.exchange.files import write_text
from cryosegment.exchange.params import PickParams, TuneParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.settings import recommended_threshold
from cryosegment.exchange.tuned_files import PICKING_FIGURE, PICKING_RESULT, PICKING_TABLE


def tune_picking(
    folders: Sequence[Path], output: Path, params: TuneParams, device: str, progress: Progress
) -> str:
    """Search the best picking parameters, and write a copy of the model that recommends them.

    All trials are written to `.picking.csv` beside the model, with a figure; the result to
    `.picking.txt`.

    Parameters
    ----------
    folders
        Labels folders.
    output
        Model file.
    params
        Model, what to try, and the score.
    device
        Torch device.
    progress
        Called when a micrograph was read, and after every finder and distance.

    Returns
    -------
    The result in a few lines.

    Raises
    ------
    InputError, ModelError
        If the labels or the model cannot be used, or fewer than two micrographs are labelled.
    """
    bench = set_up(folders, params, device, progress)
    use = bench.model.card.use
    images = [replace(mapped_image(i, bench.model), sam=params.sam) for i in bench.images]
    trials = try_selections(images, use.selection, params.centers, progress)
    tuning = judge(trials, use.threshold, params.score, params.folds)
    write_text(output.with_suffix(PICKING_TABLE), csv_text(_rows(trials)))
    draw_tuning(output.with_suffix(PICKING_FIGURE), tuning)
    metrics: list[Facts] = []
    if tuning.choice is not tuning.before:
        use, metrics = _tuned_use(use, tuning, images), _metrics(tuning, len(images))
    finders = finder_table(list(best_of_finders(trials, images, params.score)))
    found = summary(tuning, recommended_threshold(bench.save(output, use, metrics)))
    write_text(output.with_suffix(PICKING_RESULT), found)
    return "\n".join([*finders, found])


def summary(tuning: PickTuning, threshold: float) -> str:
    """The result in a few lines.

    Parameters
    ----------
    tuning
        The search.
    threshold
        Threshold that the card recommends, as a score of picks.
    """
    lines = [
        f"the card's settings: {_text(tuning.before.figures())}",
        f"tuned, on other micrographs (cross-validation): {_text(tuning.held_out)}",
        f"tuned, on the same micrographs: {_text(tuning.best.figures())}",
    ]
    if tuning.choice is tuning.before:
        return "\n".join([*lines, "nothing is better: the card keeps its settings"])
    chosen = tuning.choice.trial.settings
    return "\n".join([*lines, f"the card recommends {chosen}, threshold {threshold:.3g}"])


def mapped_image(item: LabelledImage, model: Model) -> MappedImage:
    """Maps of a model for a labelled image, without its border as in picking."""
    edge = PickParams.edge * item.diameter
    return MappedImage(
        segment(item.working, model, model.card.use.crf),
        item.without(~away_from_edge(item.working.valid, edge)),
        edge,
    )


def _tuned_use(use: Use, tuning: PickTuning, images: Sequence[MappedImage]) -> Use:
    """The choice, with the calibration of its scores."""
    selection = tuning.choice.trial.settings
    return replace(
        use,
        threshold=tuning.choice.threshold,
        selection=selection,
        calibration=calibrate(images, selection),
    )


def _metrics(tuning: PickTuning, micrographs: int) -> list[Facts]:
    """The figures of the choice, for the card."""
    figures = {
        "F1 at 0.25 diameter": tuning.held_out.f1,
        "average precision at 0.25 diameter": tuning.held_out.average_precision,
    }
    data = f"{micrographs} micrographs, each picked as was best on others"
    return metric_rows(data, figures, tuning.choice.threshold)


def _text(figures: Figures) -> str:
    return f"F1 {figures.f1:.4f}, average precision {figures.average_precision:.4f}"


def _rows(trials: Sequence[PickTrial]) -> Iterator[list[object]]:
    """The table of all trials, over all micrographs."""
    figures = ["threshold", "picks", "precision", "recall", "f1", "average_precision"]
    yield [*record_to_dict(trials[0].settings), *figures]
    for trial in trials:
        total = trial.total()
        values = record_to_dict(trial.settings).values()
        last = f"{average_precision(total):.5f}"
        f1 = total.f1()
        for level, threshold in enumerate(THRESHOLDS):
            picks = int(total.picks[level])
            precision = total.hits[level] / max(picks, 1)
            recall = total.hits[level] / max(total.labelled, 1)
            cells = [f"{value:.5f}" for value in (precision, recall, f1[level])]
            yield [*values, f"{threshold:.3f}", picks, *cells, last]
