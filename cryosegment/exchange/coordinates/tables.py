# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates in tables of text: .coord, .csv of CryoPPP and our own, .txt of Topaz."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from cryosegment.exchange.cells import numbers
from cryosegment.exchange.coordinates.columns import by_micrograph, places
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.csv_rows import csv_text, parse_csv
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name, read_text, write_text
from cryosegment.exchange.names import is_image_file, name_of_picks

CSV_X = ("x-coordinate", "x_coord", "x")
CSV_Y = ("y-coordinate", "y_coord", "y")
CSV_NAME = ("micrographs filename", "micrograph", "image_name")
CSV_SCORE = ("score", "confidence")
CSV_DIAMETER = ("diameter",)  # px, as in CryoPPP
CSV_DIAMETER_ANGSTROM = ("diameter_angstrom",)

TITLES_LIMIT = 1000
"""Bytes in which the titles of a table end."""


def read_coord(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Centres, x and y at the beginning of every line; a line of titles may come first."""
    name = name_of_picks(path)
    return {name: Coordinates(read_rows(path, ("x", "y"))[:, 1::-1], pixel_size, name)}


def read_rows(path: Path, columns: Sequence[str]) -> np.ndarray:
    """Numbers of a file with a particle on every line, (n, at least columns).

    Values behind the columns are kept where they are numbers in every line.

    Raises
    ------
    InputError
        If a line has fewer columns, or one of them is not a finite number.
    """
    rows: List[List[str]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words or (number == 1 and words[0].lower() == columns[0]):
            continue
        if len(words) < len(columns):
            raise InputError(f"expected {', '.join(columns)} in line {number} of {path}: {line!r}")
        rows.append(words)
    cells = list(zip(*rows)) or [()] * len(columns)
    found = {column: numbers(path, column, cells[i]) for i, column in enumerate(columns)}
    more = itertools.takewhile(len, map(_plain_numbers, cells[len(columns) :]))
    return np.column_stack([places(path, **found), *more])


def _plain_numbers(cells: Sequence[str]) -> np.ndarray:
    """Cells as numbers, (n,); none where one is text."""
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.empty(0)


def is_topaz(path: Path) -> bool:
    """Whether a file is a table of Topaz, by its titles."""
    with path.open("rb") as stream:
        titles = stream.readline(TITLES_LIMIT).split(b"\t")
    return {b"x_coord", b"y_coord"} <= {title.strip() for title in titles}


def read_topaz(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Centres and scores of Topaz, in px of the micrographs that it was scaled to."""
    if not is_topaz(path):
        raise InputError(
            f"expected a table of Topaz, with x_coord and y_coord, in {path}: convert it, or name "
            "a file of x and y .coord"
        )
    return read_csv(path, pixel_size, "\t")


def read_csv(path: Path, pixel_size: float, delimiter: str = ",") -> Dict[str, Coordinates]:
    """Coordinates with a header, of CryoPPP or our own."""
    rows = parse_csv(read_text(path), path, delimiter)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    cells = [row for row in rows[1:] if row]
    if any(len(row) != len(header) for row in cells):
        raise InputError(f"expected {len(header)} values in every row of {path}")

    def column(names: Sequence[str]) -> Optional[List[str]]:
        found = next((header.index(name) for name in names if name in header), None)
        return None if found is None else [row[found].strip() for row in cells]

    x, y = column(CSV_X), column(CSV_Y)
    if x is None or y is None:
        raise InputError(f"expected the columns X-Coordinate and Y-Coordinate in {path}, not found")
    pixels = numbers(path, "diameter", column(CSV_DIAMETER) or [""] * len(x))
    angstroms = column(CSV_DIAMETER_ANGSTROM)
    everything = Coordinates(
        places(path, y=numbers(path, "y", y), x=numbers(path, "x", x)),
        pixel_size,
        name_of_picks(path),
        scores=numbers(path, "score", column(CSV_SCORE) or [""] * len(x)),
        diameters=pixels * pixel_size
        if angstroms is None
        else numbers(path, "diameter_angstrom", angstroms),
    )
    # a micrograph's own name, dots and all, or that of its file
    named = column(CSV_NAME) or []
    names = [micrograph_name(name) if is_image_file(name) else name for name in named]
    return by_micrograph(names, everything) if names else {everything.name: everything}


def write_csv(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a .csv file: micrograph, x and y in px, score, diameter in Å (empty: unknown).

    It has no box size.
    """
    rows: List[Sequence[str]] = [("micrograph", "x", "y", "score", "diameter_angstrom")]
    for (y, x), score, diameter in zip(
        coordinates.centers_yx, coordinates.scores, coordinates.diameters
    ):
        size = f"{diameter:.3f}" if np.isfinite(diameter) else ""
        own = f"{score:.6f}" if np.isfinite(score) else ""
        rows.append((coordinates.name, f"{x:.3f}", f"{y:.3f}", own, size))
    write_text(path, csv_text(rows))
