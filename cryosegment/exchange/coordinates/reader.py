# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates from a file of any program, or a folder of such files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Union

from cryosegment.exchange.coordinates.formats import format_of, suffixes
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.relion import is_coordinate_list, listed_files
from cryosegment.exchange.coordinates.tables import is_topaz
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file, micrograph_name
from cryosegment.exchange.labels import LABELS_NAME, read_labels_index
from cryosegment.exchange.micrograph_lists import FAILURES_NAME

EVERYTHING = "coordinates.star"
"""In the output of `pick`, the picks of all micrographs, beside tables of other things."""
Heights = Union[int, Mapping[str, int]]


def read_coordinates(
    path: PathLike, pixel_size: float, height: Optional[Heights] = None, y_up: bool = False
) -> Dict[str, Coordinates]:
    """Coordinates of every micrograph in a file or a folder, by micrograph name.

    Reads `.star` of RELION (one micrograph, many, or a list of coordinate files), `.cs`
    (CryoSPARC), `.cbox` (crYOLO), `.box` (EMAN1) and `_info.json` (EMAN2), `.pos` (Xmipp), `.csv`,
    `.txt` (Topaz) and `.coord` or `.coords` (x and y on every line). A file that does not name its
    micrographs is taken to be named after its micrograph; endings that pickers add, such as
    `_autopick`, are dropped. Where particles have origin offsets, as after a refinement, the
    centres are those that the refinement found.

    Parameters
    ----------
    path
        File, or folder of such files (subfolders are not searched). Of a labels folder, the
        coordinates of its index are read, of the output of `pick` its `coordinates.star`, and of a
        folder with a list of coordinate files those of the list.
    pixel_size
        Pixel size of the micrographs, Å/px.
    height
        Rows of the micrographs in px, one number or one by name; needed with `y_up`.
    y_up
        Whether the y axis of the files points up: y counts from the last row.

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
    for path in _coordinate_files(folder):
        for name, coordinates in _read_file(path, pixel_size).items():
            if name in found:
                raise InputError(
                    f"two files in {folder} hold coordinates of micrograph {name}, the second is "
                    f"{path.name}: keep one"
                )
            found[name] = coordinates
    return found


def _coordinate_files(folder: Path) -> List[Path]:
    if (folder / LABELS_NAME).exists():
        return [entry.coordinates for entry in read_labels_index(folder).entries]
    if (folder / EVERYTHING).is_file():
        return [folder / EVERYTHING]
    files = [path for path in sorted(folder.iterdir()) if _may_be_coordinates(path)]
    lists = [path for path in files if path.suffix.lower() == ".star" and is_coordinate_list(path)]
    if not files:
        raise InputError(
            f"no coordinate file ({suffixes()}) in {folder}, whose subfolders are not searched: "
            "check the folder"
        )
    return lists or files


def _may_be_coordinates(path: Path) -> bool:
    name = path.name.lower()
    if name == FAILURES_NAME or name.startswith((".", "coords_suffix_")) or "passthrough" in name:
        return False
    if format_of(path) is None or not path.is_file():
        return False
    return not name.endswith(".txt") or is_topaz(path)


def _read_file(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    check_file(path)
    if path.suffix.lower() == ".star" and is_coordinate_list(path):
        return _read_list(path, pixel_size)
    return _read_own(path, pixel_size)


def _read_own(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Coordinates that stand in a file itself."""
    known = format_of(path)
    if known is None:
        raise InputError(f"expected coordinates as {suffixes()}, got {path}: convert it")
    found = known.read(path, pixel_size)
    return {name: replace(coordinates, file=path) for name, coordinates in found.items()}


def _read_list(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    found: Dict[str, Coordinates] = {}
    for micrograph, file in listed_files(path):
        name, own = micrograph_name(micrograph), _read_own(file, pixel_size)
        if len(own) != 1 and name not in own:
            raise InputError(f"expected coordinates of micrograph {name} in {file}, found others")
        found[name] = own.get(name, next(iter(own.values()))).renamed(name)
    return found
