# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates in tables of text: .box of EMAN, .coord, .csv of CryoPPP, .txt of Topaz."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from cryosegment.exchange.coordinates.columns import by_micrograph, numbers, own_name, required
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import COMPRESSION_SUFFIXES, micrograph_name, read_text

IMAGE_SUFFIXES = (".mrc", ".mrcs", ".map", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".eer")
CSV_X = ("x-coordinate", "x_coord", "x")
CSV_Y = ("y-coordinate", "y_coord", "y")
CSV_NAME = ("micrographs filename", "micrograph", "image_name")
CSV_SCORE = ("score", "confidence")
CSV_DIAMETER = ("diameter",)  # px, as in CryoPPP
CSV_DIAMETER_ANGSTROM = ("diameter_angstrom",)

TITLES_LIMIT = 1000
"""Bytes in which the titles of a table end."""


def read_box(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Boxes of EMAN: corner, width and height in px."""
    table = _table(path, ("x", "y", "width", "height"))
    corner_x, corner_y, width, height = table.T
    centers_yx = np.stack([corner_y + height / 2, corner_x + width / 2], axis=1)
    name = own_name(path)
    return {name: Coordinates(centers_yx, pixel_size, name)}


def read_coord(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Centres, x and y at the beginning of every line; a line of titles may come first."""
    name = own_name(path)
    return {name: Coordinates(_table(path, ("x", "y"))[:, ::-1], pixel_size, name)}


def _table(path: Path, columns: Sequence[str]) -> np.ndarray:
    """The first columns of a file with a particle on every line, (n, columns)."""
    rows: List[np.ndarray] = []
    lines = read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words or (number == 1 and words[0].lower() == columns[0]):
            continue
        if len(words) < len(columns):
            raise InputError(f"expected {', '.join(columns)} in line {number} of {path}: {line!r}")
        where = f"1-{len(columns)} (line {number})"
        rows.append(required(path, where, words[: len(columns)]))
    return np.array(rows).reshape(-1, len(columns))


def _is_plain(name: str) -> bool:
    """Whether a name in a table is a micrograph's own, dots and all, not that of its file."""
    return not name.lower().endswith(IMAGE_SUFFIXES + COMPRESSION_SUFFIXES)


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
    rows = list(csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter))
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
    pixels = numbers(path, "diameter", column(CSV_DIAMETER) or [""] * len(x), np.nan)
    angstroms = column(CSV_DIAMETER_ANGSTROM)
    everything = Coordinates(
        np.stack([required(path, "y", y), required(path, "x", x)], axis=1),
        pixel_size,
        own_name(path),
        scores=numbers(path, "score", column(CSV_SCORE) or [""] * len(x), np.nan),
        diameters=pixels * pixel_size
        if angstroms is None
        else numbers(path, "diameter_angstrom", angstroms, np.nan),
    )
    names = [name if _is_plain(name) else micrograph_name(name) for name in column(CSV_NAME) or []]
    return by_micrograph(names, everything) if names else {everything.name: everything}
