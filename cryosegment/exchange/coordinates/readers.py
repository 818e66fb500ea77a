# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates from a file of any program, or a folder of such files."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Union

from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.star_readers import read_cbox, read_pos, read_star_coordinates
from cryosegment.exchange.coordinates.text_readers import (
    is_topaz,
    read_box,
    read_coord,
    read_csv,
    read_topaz,
)
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import FAILURES_NAME, PathLike, check_file
from cryosegment.exchange.labels import LABELS_NAME, read_labels_index

Heights = Union[int, Mapping[str, int]]

READERS: Dict[str, Callable[[Path, float], Dict[str, Coordinates]]] = {
    ".star": read_star_coordinates,
    ".box": read_box,
    ".cbox": read_cbox,
    ".csv": read_csv,
    ".coord": read_coord,
    ".coords": read_coord,
    ".pos": read_pos,
    ".txt": read_topaz,
}


def read_coordinates(
    path: PathLike, pixel_size: float, height: Optional[Heights] = None, y_up: bool = False
) -> Dict[str, Coordinates]:
    """Coordinates of every micrograph in a file or a folder, by micrograph name.

    Reads `.star` (one micrograph or many), `.box` (EMAN), `.cbox` (crYOLO), `.csv`, `.pos` (Xmipp),
    `.txt` (Topaz) and `.coord` or `.coords` (x and y on every line). A file that does not name its
    micrographs is taken to be named after its micrograph; endings that pickers add, such as
    `_autopick`, are dropped.

    Parameters
    ----------
    path
        File, or folder of such files (its subfolders are not searched); a labels folder stands for
        the coordinates that its index names.
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
    if (folder / LABELS_NAME).exists():
        files = [entry.coordinates for entry in read_labels_index(folder).entries]
    else:
        files = [path for path in sorted(folder.iterdir()) if _may_be_coordinates(path)]
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


def _may_be_coordinates(path: Path) -> bool:
    if path.name == FAILURES_NAME or path.name.startswith("."):
        return False
    suffix = path.suffix.lower()
    return suffix in READERS and (suffix != ".txt" or (path.is_file() and is_topaz(path)))


def _read_file(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    check_file(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"expected coordinates as {', '.join(READERS)}, got {path}: convert it")
    return reader(path, pixel_size)
