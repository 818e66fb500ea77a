# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of trainings, finished or running, beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cryosegment.core.report import (
    Column,
    Page,
    Picture,
    Pictures,
    Section,
    Table,
    figure_picture,
    new_figure,
    photograph,
)
from cryosegment.core.report.colors import SERIES
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.training_history import (
    Row,
    kept_pictures,
    loss_terms,
    read_history,
)

SIZE = (6.4, 3.4)
"""Width and height of figures, inches."""


@dataclass(frozen=True)
class Training:
    """A training.

    Parameters
    ----------
    label
        Its name on the page.
    model
        Its model file, which may not be there yet.
    history
        Row of each validation; see `read_history`.
    """

    label: str
    model: Path
    history: Sequence[Row]

    def losses(self) -> list[float]:
        """Sum of the terms of the loss at each validation; nan at the first, without a step."""
        terms = loss_terms(self.history)
        return [
            sum(row[term] for term in terms if term in row) if set(terms) & set(row) else np.nan
            for row in self.history
        ]


def read_trainings(models: Mapping[str, Path]) -> list[Training]:
    """Trainings by their labels.

    Raises
    ------
    InputError
        If none has had a validation, or a table cannot be read.
    """
    found = [Training(label, model, read_history(model)) for label, model in models.items()]
    if not any(each.history for each in found):
        first = next(iter(models.values()))
        raise InputError(
            f"expected validations of a training beside {first}, found none: wait for the first"
        )
    return found


def trainings_page(trainings: Sequence[Training], refresh: int = 0) -> Page:
    """Page of trainings.

    Parameters
    ----------
    trainings
        Some of them may have had no validation yet.
    refresh
        As in `Page`.
    """
    columns = [
        Column("training"),
        Column("steps", "d"),
        Column("minutes", ".1f"),
        Column("best score", ".3f", "F1 of picks, IoU of particle images, AP of screening"),
        Column("at step", "d"),
        Column("last score", ".3f"),
        Column("last loss", ".3g"),
    ]
    rows = [_row(each) for each in trainings if each.history]
    curves = [
        _draw(trainings, "minutes", "score", _minutes, _scores),
        _draw(trainings, "step", "score", _steps, _scores),
        _draw(trainings, "step", "loss", _steps, Training.losses),
    ]
    terms = [_draw_terms(each) for each in trainings if loss_terms(each.history)]
    sections = [
        Section("Summary", [Table(columns, rows)]),
        Section("Curves", [Pictures(curves)], "On the micrographs for validation."),
        Section("Terms of the loss", [Pictures(terms)]),
    ]
    examples = [Pictures(pictures) for each in trainings if (pictures := _examples(each))]
    if examples:
        lead = "Part of a micrograph for validation with what is found, and the particle map; "
        lead += "green: found, red: wrong, yellow: missed, blue: not labelled."
        sections.append(Section("Examples", examples, lead))
    labels = [each.label for each in trainings]
    title = f"Training of {labels[0]}" if len(labels) == 1 else "Trainings"
    return Page(title, sections, "" if len(labels) == 1 else ", ".join(labels), refresh)


def _row(training: Training) -> list[str | int | float]:
    history, last = training.history, training.history[-1]
    best = max(history, key=lambda row: row["score"])
    return [
        training.label,
        int(last["step"]),
        last["seconds"] / 60,
        best["score"],
        int(best["step"]),
        last["score"],
        training.losses()[-1],
    ]


def _minutes(training: Training) -> list[float]:
    return [row["seconds"] / 60 for row in training.history]


def _steps(training: Training) -> list[float]:
    return [row["step"] for row in training.history]


def _scores(training: Training) -> list[float]:
    return [row["score"] for row in training.history]


def _draw(trainings: Sequence[Training], x: str, y: str, along: Any, of: Any) -> Picture:
    """A curve of each training; `along` and `of` give its values from it."""
    figure = new_figure(*SIZE)
    axes = figure.add_subplot()
    for number, each in enumerate(trainings):
        color = SERIES[number % len(SERIES)]
        axes.plot(along(each), of(each), ".-", color=color, label=each.label, lw=1.2)
    axes.set(xlabel=x, ylabel=y)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if len(trainings) > 1:
        axes.legend(fontsize=8)
    return figure_picture(figure, f"{y} by {x}")


def _draw_terms(training: Training) -> Picture:
    figure = new_figure(*SIZE)
    axes = figure.add_subplot()
    for number, term in enumerate(loss_terms(training.history)):
        values = [row.get(term, np.nan) for row in training.history]
        color = SERIES[number % len(SERIES)]
        axes.plot(_steps(training), values, ".-", color=color, label=term, lw=1.2)
    axes.set(xlabel="step", ylabel="loss")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure_picture(figure, f"terms of the loss of {training.label}", training.label)


def _examples(training: Training) -> list[Picture]:
    """The pictures that a training has kept."""
    scores = {int(row["step"]): row["score"] for row in training.history}
    found = []
    for step, file in kept_pictures(training.model).items():
        image = cv2.imread(str(file))
        if image is None:  # the training has just removed it
            continue
        score = f", score {scores[step]:.3f}" if step in scores else ""
        caption = f"{training.label}: step {step}{score}"
        found.append(photograph(image, f"examples at step {step}", caption))
    return found
