# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of an evaluation for a spreadsheet."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Dict

from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.evaluation.evaluation import Evaluation
from cryosegment.exchange.evaluation.figures import MaskMetrics, ParticleMetrics
from cryosegment.exchange.files import PathLike, remove_file

TABLE_NAME, MASKS_NAME = "metrics.csv", "masks.csv"


def write_tables(folder: PathLike, evaluation: Evaluation) -> None:
    """Write `metrics.csv` and, of masks, `masks.csv`: a row for each micrograph and set.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    columns = [field.name for field in fields(ParticleMetrics)]
    rows = [
        [own.name, *(getattr(row, column) for column in columns)]
        for own in evaluation.sets
        for row in (*own.micrographs, own.overall)
    ]
    write_rows(Path(folder, TABLE_NAME), ["set", *columns], rows)
    _write_masks(Path(folder, MASKS_NAME), evaluation)


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


def _mask_cells(metrics: MaskMetrics) -> Dict[str, object]:
    names = ("accuracy", "precision", "recall", "f1", "iou")
    of_classes = {
        f"{own.name}_{name}": getattr(own, name) for own in metrics.classes for name in names
    }
    of_instances = {
        f"average_precision_{round(100 * overlap)}": value
        for overlap, value in zip(metrics.overlaps, metrics.average_precision)
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
