# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of an evaluation: a table, JSON and the precision-recall curve."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from cryosegment.core.evaluation.metrics import Evaluation, ParticleMetrics
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.files import PathLike, atomic_path, write_text

TABLE_NAME, JSON_NAME, CURVE_NAME = "metrics.csv", "metrics.json", "precision_recall.png"

COLUMNS = (
    "name",
    "picks",
    "reference",
    "true_positives",
    "false_positives",
    "false_negatives",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "best_f1",
    "best_threshold",
    "center_error_mean",
    "center_error_median",
    "count_error",
)
"""Figures of a row; the centring errors are in Å."""


def write_report(folder: PathLike, evaluation: Evaluation) -> None:
    """Write `metrics.csv`, `metrics.json` and `precision_recall.png` in a folder.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    folder = Path(folder)
    metrics = (*evaluation.micrographs, evaluation.overall)
    rows = ([getattr(row, column) for column in COLUMNS] for row in metrics)
    write_rows(folder / TABLE_NAME, COLUMNS, rows)
    text = json.dumps(evaluation_to_dict(evaluation), indent=2, ensure_ascii=False) + "\n"
    write_text(folder / JSON_NAME, text)
    _draw_curve(folder / CURVE_NAME, evaluation)


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as values for JSON; undefined figures are None.

    The precision-recall curve is left out.
    """
    values = {
        field.name: getattr(evaluation, field.name)
        for field in fields(evaluation)
        if field.name != "curve"
    }
    values["overall"] = _row(evaluation.overall)
    values["micrographs"] = [_row(metrics) for metrics in evaluation.micrographs]
    values["unpicked"] = list(evaluation.unpicked)
    values["unreferenced"] = list(evaluation.unreferenced)
    return values


def _row(metrics: ParticleMetrics) -> dict[str, Any]:
    values = {column: getattr(metrics, column) for column in COLUMNS}
    return {
        column: None if isinstance(value, float) and math.isnan(value) else value
        for column, value in values.items()
    }


def _draw_curve(path: Path, evaluation: Evaluation) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    overall, curve = evaluation.overall, evaluation.curve
    axes.plot(curve.recall, curve.precision, drawstyle="steps-pre", color="#1f6f8b")
    axes.plot(overall.recall, overall.precision, "o", color="#c8553d", label="all picks")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(
        f"average precision {overall.average_precision:.3f}, best F1 {overall.best_f1:.3f} "
        f"at score {overall.best_threshold:.3g}",
        fontsize=9,
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
