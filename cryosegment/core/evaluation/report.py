# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of an evaluation: tables, JSON and the precision-recall curves."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.evaluation import (
    CURVE_NAME,
    MASKS_NAME,
    OVERALL,
    TABLE_NAME,
    Evaluation,
    MaskMetrics,
    ParticleMetrics,
    write_evaluation,
)
from cryosegment.exchange.files import PathLike, atomic_path, remove_file

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell; after the last the first comes again."""
DASHES = ("-", "--", ":")
"""Of the lines, so that those of one colour differ."""


def write_report(folder: PathLike, evaluation: Evaluation) -> None:
    """Write `evaluation.json`, `metrics.csv`, `precision_recall.png` and, of masks, `masks.csv`.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    folder = Path(folder)
    columns = [field.name for field in fields(ParticleMetrics)]
    rows = [
        [own.name, *(getattr(row, column) for column in columns)]
        for own in evaluation.sets
        for row in (*own.micrographs, own.overall)
    ]
    write_rows(folder / TABLE_NAME, ["set", *columns], rows)
    _write_masks(folder / MASKS_NAME, evaluation)
    _draw_curves(folder / CURVE_NAME, evaluation)
    write_evaluation(folder, evaluation)


def _write_masks(path: Path, evaluation: Evaluation) -> None:
    """The table of the masks; without masks, an earlier one goes."""
    rows = [
        [own.name, *_mask_cells(row).values()]
        for own in evaluation.sets
        if own.masks is not None
        for row in (*own.mask_micrographs, own.masks)
    ]
    if rows:
        titles = next(own.masks for own in evaluation.sets if own.masks is not None)
        write_rows(path, ["set", *_mask_cells(titles)], rows)
    else:
        remove_file(path)


def _mask_cells(metrics: MaskMetrics) -> dict[str, object]:
    names = ("accuracy", "precision", "recall", "f1", "iou")
    of_classes = {
        f"{own.name}_{name}": getattr(own, name) for own in metrics.classes for name in names
    }
    of_instances = {
        f"average_precision_{round(100 * overlap)}": value
        for overlap, value in zip(metrics.overlaps, metrics.average_precision, strict=True)
    }
    return {
        "name": metrics.name,
        **of_classes,
        "boundary_precision": metrics.boundary_precision,
        "boundary_recall": metrics.boundary_recall,
        "boundary_f1": metrics.boundary_f1,
        "instances": metrics.instances,
        "reference": metrics.reference,
        **of_instances,
        "mean_average_precision": metrics.mean_average_precision,
    }


def _draw_curves(path: Path, evaluation: Evaluation) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, own in enumerate(evaluation.sets):
        turn, place = divmod(number, len(COLORS))
        color, dash = COLORS[place], DASHES[turn % len(DASHES)]
        total = own.overall
        text = f"{own.name or OVERALL}: AP {total.average_precision:.3f}, F1 {total.f1:.3f}"
        (line,) = axes.plot(own.curve.recall, own.curve.precision, dash, color=color, label=text)
        line.set_drawstyle("steps-pre")
        axes.plot(total.recall, total.precision, "o", color=color)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title("picks above every score; the dot: all picks", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
