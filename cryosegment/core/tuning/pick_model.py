# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning of the picking parameters of a model on labelled micrographs."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.labels.labelled import LabelledImage, for_judging, read_labels
from cryosegment.core.models.checkpoint import fingerprint, save_checkpoint
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.picking.centers import away_from_edge
from cryosegment.core.pipeline.micrograph import segment
from cryosegment.core.tuning.calibration import calibrate
from cryosegment.core.tuning.figure import draw_tuning
from cryosegment.core.tuning.pick_search import (
    Choice,
    Figures,
    Trial,
    Tuning,
    TuningImage,
    average_precision,
    judge,
    try_selections,
)
from cryosegment.core.tuning.thresholds import THRESHOLDS
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.files import write_text
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import (
    PickParams,
    TuneParams,
)
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.settings import recommended_threshold

TABLE, FIGURE = ".picking.csv", ".picking.png"
"""Suffixes of the files beside the model, instead of its own."""


@dataclass(frozen=True)
class TunedPicking:
    """Result of tuning the picking parameters of a model.

    Parameters
    ----------
    tuning
        The search.
    score
        Score that was maximised.
    threshold
        Threshold that the card recommends, as a score of picks.
    """

    tuning: Tuning
    score: str
    threshold: float = 0.0

    @property
    def before(self) -> Figures:
        """Figures of the card's own settings on all images."""
        usual = self.tuning.usual
        return usual.figures(range(len(usual.trial.counts)))

    @property
    def choice(self) -> Choice:
        """The best choice, or that of the card if the best gains nothing on other images."""
        gain = self.tuning.held_out.score(self.score) - self.before.score(self.score)
        return self.tuning.best if gain > 0 else self.tuning.usual

    def summary(self) -> str:
        """The result in a few lines."""
        best = self.tuning.best
        tuned = best.figures(range(len(best.trial.counts)))
        lines = [
            f"the card's settings: {_text(self.before)}",
            f"tuned, on other micrographs (cross-validation): {_text(self.tuning.held_out)}",
            f"tuned, on the same micrographs: {_text(tuned)}",
        ]
        if self.choice is self.tuning.usual:
            return "\n".join([*lines, "nothing is better: the card keeps its settings"])
        chosen = self.choice.trial.selection
        return "\n".join([*lines, f"the card recommends {chosen}, threshold {self.threshold:.3g}"])


def tune_picking(
    folders: Sequence[Path], output: Path, params: TuneParams, device: str, progress: Progress
) -> TunedPicking:
    """Search the best picking parameters, and write a copy of the model that recommends them.

    All trials are written to `.picking.csv` beside the model, with a figure.

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

    Raises
    ------
    InputError, ModelError
        If the labels or the model cannot be used, or fewer than two micrographs are labelled.
    """
    model = load_model(params.model, device)
    card = model.card
    labelled = read_labels(folders, card.input, progress, params.ctf)
    images = [tuning_image(item, model) for item in for_judging(labelled)]
    usual = card.use.selection
    trials = try_selections(images, usual, params.centers, progress)
    tuned = TunedPicking(
        judge(trials, card.use.threshold, params.score, params.folds), params.score
    )
    _write_trials(output.with_suffix(TABLE), trials)
    draw_tuning(output.with_suffix(FIGURE), tuned.tuning)
    parent = fingerprint(model_path(params.model))
    provenance = replace(card.provenance, parent=parent)
    card = replace(card, name=output.stem, provenance=provenance)
    if tuned.choice is not tuned.tuning.usual:
        card = _describe(card, tuned, images)
    save_checkpoint(output, model.network, card)
    return replace(tuned, threshold=recommended_threshold(card))


def tuning_image(item: LabelledImage, model: Model) -> TuningImage:
    """Maps of a model for a labelled image, without its border as in picking."""
    working = WorkingImage(item.image, item.valid, item.pixel_size, (1.0, 1.0))
    edge = PickParams.edge * item.diameter
    labels = item.for_validation()
    known = labels.known & away_from_edge(item.valid, edge)
    return TuningImage(
        segment(working, model, model.card.use.crf), replace(labels, known=known), edge
    )


def _describe(card: ModelCard, tuned: TunedPicking, images: Sequence[TuningImage]) -> ModelCard:
    """The card with what was found."""
    choice, held_out = tuned.choice, tuned.tuning.held_out
    data = f"{len(images)} micrographs, each picked as was best on others"
    figures = {
        "F1 at 0.25 diameter": held_out.f1,
        "average precision at 0.25 diameter": held_out.average_precision,
    }
    found = tuple(
        {"data": data, "metric": name, "value": round(value, 4), "threshold": choice.threshold}
        for name, value in figures.items()
    )
    use = replace(
        card.use,
        threshold=choice.threshold,
        selection=choice.trial.selection,
        calibration=calibrate(images, choice.trial.selection),
    )
    provenance = replace(
        card.provenance,
        metrics=(*card.provenance.metrics, *found),
        date=datetime.date.today().isoformat(),
    )
    return replace(card, use=use, provenance=provenance)


def _text(figures: Figures) -> str:
    return f"F1 {figures.f1:.4f}, average precision {figures.average_precision:.4f}"


def _write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Write the table of all trials, over all micrographs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(record_to_dict(trials[0].selection))
    figures = ["threshold", "picks", "precision", "recall", "f1", "average_precision"]
    writer.writerow([*names, *figures])
    for trial in trials:
        total = trial.total(range(len(trial.counts)))
        values = record_to_dict(trial.selection).values()
        last = f"{average_precision(total):.5f}"
        f1 = total.f1()
        for level, threshold in enumerate(THRESHOLDS):
            picks = int(total.picks[level])
            precision = total.hits[level] / max(picks, 1)
            recall = total.hits[level] / max(total.labelled, 1)
            cells = [f"{value:.5f}" for value in (precision, recall, f1[level])]
            writer.writerow([*values, f"{threshold:.3f}", picks, *cells, last])
    write_text(path, text.getvalue())
