# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training leaves beside its model: a row for each validation, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence

from cryosegment.exchange.csv_rows import csv_text, read_table
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, write_text

HISTORY, PICTURE, KEPT = ".history.csv", ".examples.png", ".examples"
"""Suffixes, in place of the model's: of the table, of what the last validation found, and of the
folder of smaller pictures of earlier ones."""
KEPT_FORMAT = ".webp"
ALWAYS, GRADIENT = ("step", "seconds", "score"), "gradient"
"""Columns that every table has, and that of the norm of the loss's gradient."""

Row = Dict[str, float]


def read_history(model: PathLike) -> List[Row]:
    """Row of each validation of a training so far; empty where there is no table.

    Parameters
    ----------
    model
        Its model file, which may not be there yet.

    Returns
    -------
    Of each: step, seconds, score, terms of the loss, and what was noted with the score.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    path = Path(model).with_suffix(HISTORY)
    if not path.exists():
        return []
    table = read_table(path, ALWAYS)
    try:
        return [
            {name: float(cell) for name, cell in row.items() if cell or name in ALWAYS}
            for row in table
        ]
    except ValueError as error:
        raise InputError(f"expected numbers in {path}, got {error}: train again") from error


def write_history(model: PathLike, rows: Sequence[Row]) -> None:
    """Write the table of a training.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([row.get(name, "") for name in names] for row in rows)
    write_text(Path(model).with_suffix(HISTORY), csv_text([names, *cells]))


def loss_terms(history: Sequence[Row]) -> List[str]:
    """Names of the terms of the loss in a table: the first validation, before any step, has none.

    What is noted with the score, such as the IoU, stands in every row.
    """
    others = {GRADIENT, *(name for row in history[:1] for name in row)}
    return list(dict.fromkeys(name for row in history for name in row if name not in others))


def kept_pictures(model: PathLike) -> Dict[int, Path]:
    """Pictures of a training by the step of the validation, in order; empty where it kept none."""
    files = Path(model).with_suffix(KEPT).glob(f"*{KEPT_FORMAT}")
    return {int(file.stem): file for file in sorted(files) if file.stem.isdecimal()}


def kept_picture(model: PathLike, step: int) -> Path:
    """File of the picture at a step; sorted by name, they are in order."""
    return Path(model).with_suffix(KEPT) / f"{step:08d}{KEPT_FORMAT}"
