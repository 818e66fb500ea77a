# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinate files read: STAR of RELION, .box of EMAN, .cbox of crYOLO, .csv of CryoPPP."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import (
    COMPRESSION_SUFFIXES,
    FAILURES_NAME,
    PathLike,
    micrograph_name,
    read_text,
)
from cryosegment.exchange.star import Block, read_star

Heights = Union[int, Mapping[str, int]]

PICKER_ENDINGS = re.compile(r"(_autopick|_manualpick|_topaz|\.coords|_coords)$")
MISSING = ("<NA>", "nan", "None", "")

STAR_SCORES = ("rlnAutopickFigureOfMerit", "cryosegmentScore")
IMAGE_SUFFIXES = (".mrc", ".mrcs", ".map", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".eer")
CSV_X = ("x-coordinate", "x_coord", "x")
CSV_Y = ("y-coordinate", "y_coord", "y")
CSV_NAME = ("micrographs filename", "micrograph", "image_name")
CSV_SCORE = ("score", "confidence")
CSV_DIAMETER = ("diameter",)  # px, as in CryoPPP
CSV_DIAMETER_ANGSTROM = ("diameter_angstrom",)


def read_coordinates(
    path: PathLike, pixel_size: float, height: Optional[Heights] = None, y_up: bool = False
) -> Dict[str, Coordinates]:
    """Coordinates of every micrograph in a file or a folder, by micrograph name.

    Reads `.star` (one micrograph or many), `.box`, `.cbox` and `.csv`. A file that does not
    name its micrographs is taken to be named after its micrograph; endings that pickers add,
    such as `_autopick`, are dropped.

    Parameters
    ----------
    path
        File, or folder of such files (its subfolders are not searched).
    pixel_size
        Pixel size of the micrographs, Å/px.
    height
        Rows of the micrographs in px, one number or one by name; needed with `y_up`.
    y_up
        Whether the files count y from the last row.

    Raises
    ------
    InputError
        If a file is missing, of an unknown format, or holds something else than numbers; if
        a folder has no coordinate file; if `y_up` is asked for without `height`.
    """
    path = Path(path)
    read = _read_folder if path.is_dir() else _read_file
    found = read(path, pixel_size)
    if not y_up:
        return found
    return {name: _flip(coordinates, height) for name, coordinates in found.items()}


def _flip(coordinates: Coordinates, height: Optional[Heights]) -> Coordinates:
    rows = height.get(coordinates.name) if isinstance(height, Mapping) else height
    if rows is None:
        raise InputError(
            f"the height of micrograph {coordinates.name} is unknown: it is needed where y counts "
            "from the last row"
        )
    return coordinates.flipped(rows)


def _read_folder(folder: Path, pixel_size: float) -> Dict[str, Coordinates]:
    found: Dict[str, Coordinates] = {}
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in READERS
        and path.name != FAILURES_NAME
        and not path.name.startswith(".")
    ]
    if not files:
        raise InputError(f"no coordinate file ({', '.join(READERS)}) in {folder}: check the folder")
    for path in files:
        for name, coordinates in _read_file(path, pixel_size).items():
            if name in found:
                raise InputError(
                    f"two files in {folder} hold coordinates of micrograph {name}, the second is "
                    f"{path.name}: keep one"
                )
            found[name] = coordinates
    return found


def _read_file(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    if not path.exists():
        raise InputError(f"coordinates {path} do not exist: check the path")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"expected coordinates as {', '.join(READERS)}, got {path}: convert it")
    return reader(path, pixel_size)


def _own_name(path: Path) -> str:
    return PICKER_ENDINGS.sub("", micrograph_name(path))


def _numbers(path: Path, column: str, values: Sequence[str], missing: float) -> np.ndarray:
    numbers = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            numbers[i] = missing if value in MISSING else float(value)
        except ValueError:
            raise InputError(
                f"expected a number in column {column} of {path}, got {value!r}"
            ) from None
    if np.isnan(missing):
        return numbers
    if not np.isfinite(numbers).all():
        raise InputError(f"column {column} of {path} holds {numbers[~np.isfinite(numbers)][0]}")
    return numbers


def _required(path: Path, column: str, values: Sequence[str]) -> np.ndarray:
    numbers = _numbers(path, column, values, np.nan)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise InputError(
            f"expected a number in column {column} of {path}, got {values[row]!r} in row {row + 1}"
        )
    return numbers


def _by_micrograph(names: Sequence[str], everything: Coordinates) -> Dict[str, Coordinates]:
    stems = np.array(names, dtype=str)
    unique, first, group = np.unique(stems, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(group, minlength=len(unique)))[:-1])
    return {
        str(unique[i]): everything.select(parts[i]).renamed(str(unique[i]))
        for i in np.argsort(first)
    }


def _read_star(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    block = _coordinate_block(path, read_star(path))
    centers_yx = np.stack(
        [_required(path, f"rlnCoordinate{axis}", block[f"rlnCoordinate{axis}"]) for axis in "YX"],
        axis=1,
    )
    count = len(centers_yx)
    score = next((column for column in STAR_SCORES if column in block), "")
    everything = Coordinates(
        centers_yx,
        pixel_size,
        _own_name(path),
        scores=_numbers(path, score, block.get(score, ["1"] * count), 1.0),
        diameters=_numbers(
            path, "cryosegmentDiameter", block.get("cryosegmentDiameter", [""] * count), np.nan
        ),
    )
    names = [micrograph_name(n.rsplit("@", 1)[-1]) for n in block.get("rlnMicrographName", [])]
    return _by_micrograph(names, everything) if names else {everything.name: everything}


def _coordinate_block(path: Path, blocks: Mapping[str, Block]) -> Block:
    for block in blocks.values():
        if "rlnCoordinateX" in block and "rlnCoordinateY" in block:
            return block
    raise InputError(f"expected the columns rlnCoordinateX and rlnCoordinateY in {path}, not found")


def _read_box(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    rows: List[List[float]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        if len(words) < 4:
            raise InputError(f"expected x, y, width, height in line {number} of {path}: {line!r}")
        rows.append(list(_required(path, f"1-4 (line {number})", words[:4])))
    corner_x, corner_y, width, height = np.array(rows).reshape(-1, 4).T
    centers_yx = np.stack([corner_y + height / 2, corner_x + width / 2], axis=1)
    name = _own_name(path)
    return {name: Coordinates(centers_yx, pixel_size, name)}


def _read_cbox(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    block = read_star(path).get("cryolo", {})
    needed = ("CoordinateX", "CoordinateY", "Width", "Height")
    absent = [column for column in needed if column not in block]
    if absent:
        raise InputError(f"expected the column {absent[0]} in data_cryolo of {path}, not found")
    corner_x, corner_y, width, height = (_required(path, name, block[name]) for name in needed)
    count = len(corner_x)
    sizes = _numbers(path, "EstWidth", block.get("EstWidth", [""] * count), np.nan)
    scores = _numbers(path, "Confidence", block.get("Confidence", ["1"] * count), 1.0)
    name = _own_name(path)
    centers_yx = np.stack([corner_y + height / 2, corner_x + width / 2], axis=1)
    return {name: Coordinates(centers_yx, pixel_size, name, scores, sizes * pixel_size)}


def _is_plain(name: str) -> bool:
    """Whether a name in a table is a micrograph's own, dots and all, not that of its file."""
    return not name.lower().endswith(IMAGE_SUFFIXES + COMPRESSION_SUFFIXES)


def _read_csv(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    rows = list(csv.reader(io.StringIO(read_text(path), newline="")))
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
    pixels = _numbers(path, "diameter", column(CSV_DIAMETER) or [""] * len(x), np.nan)
    angstroms = column(CSV_DIAMETER_ANGSTROM)
    everything = Coordinates(
        np.stack([_required(path, "y", y), _required(path, "x", x)], axis=1),
        pixel_size,
        _own_name(path),
        scores=_numbers(path, "score", column(CSV_SCORE) or ["1"] * len(x), 1.0),
        diameters=pixels * pixel_size
        if angstroms is None
        else _numbers(path, "diameter_angstrom", angstroms, np.nan),
    )
    names = [name if _is_plain(name) else micrograph_name(name) for name in column(CSV_NAME) or []]
    return _by_micrograph(names, everything) if names else {everything.name: everything}


READERS: Dict[str, Callable[[Path, float], Dict[str, Coordinates]]] = {
    ".star": _read_star,
    ".box": _read_box,
    ".cbox": _read_cbox,
    ".csv": _read_csv,
}
