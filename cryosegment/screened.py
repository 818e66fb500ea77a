# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion's coordinates to the files that are screened, and back with what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterable, List

import numpy as np
from pwem.objects import SetOfCoordinates
from pyworkflow.object import Float

from cryosegment.convert import Matching, pick_score
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.relion import (
    CENTER,
    FIGURE_OF_MERIT,
    INTERFERENCE,
    PICKED,
    PROBABILITY,
    SCREENED,
)
from cryosegment.exchange.star import Cell, read_only_table, write_star

NUMBER = "scipionId"
"""Column of the id of a coordinate, which comes back with its row."""
FOUND = (SCREENED, INTERFERENCE, PICKED, PROBABILITY)
"""Columns that become attributes."""


def write_numbered_coordinates(folder: PathLike, coordinates: SetOfCoordinates) -> None:
    """Write a STAR file for each micrograph: places, the picker's scores where known, and ids.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    matched = Matching(coordinates.getMicrographs())
    rows: Dict[str, List[List[Cell]]] = {}
    for coordinate in coordinates:
        name = matched.name(coordinate.getMicName(), coordinate.getMicId())
        x, y = coordinate.getPosition()
        row: List[Cell] = [float(y), float(x), pick_score(coordinate), coordinate.getObjId()]
        rows.setdefault(name, []).append(row)
    for name, own in rows.items():
        columns = dict(zip((*CENTER, FIGURE_OF_MERIT, NUMBER), map(list, zip(*own))))
        if not np.isfinite(columns[FIGURE_OF_MERIT]).any():
            del columns[FIGURE_OF_MERIT]
        write_star(Path(folder) / f"{name}.star", {"": columns})


def append_screened(
    target: SetOfCoordinates, source: SetOfCoordinates, files: Iterable[Path]
) -> None:
    """Append the coordinates whose ids stand in files, with what screening found of each.

    Parameters
    ----------
    target
        Set to append to.
    source
        The coordinates that were screened.
    files
        STAR files of some of them.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    found: Dict[int, Dict[str, float]] = {}
    for file in files:
        block = read_only_table(file, (NUMBER,))
        numbers, _ = block.read(numbers=(NUMBER, *FOUND))
        ids = numbers.pop(NUMBER).astype(int).tolist()
        rows = zip(*(values.tolist() for values in numbers.values()))
        found.update((i, dict(zip(numbers, row))) for i, row in zip(ids, rows))
    for coordinate in source:
        if coordinate.getObjId() in found:
            kept = coordinate.clone()
            for column, value in found[coordinate.getObjId()].items():
                setattr(kept, f"_{column}", Float(value))
            target.append(kept)
