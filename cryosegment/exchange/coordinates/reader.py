# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates from a file of any program, or a folder of such files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Tuple, Union

from cryosegment.exchange.coordinates.formats import format_of, suffixes
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.relion import is_coordinate_list, listed_files
from cryosegment.exchange.coordinates.tables import is_topaz
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, check_file, micrograph_name
from cryosegment.exchange.labels import LABELS_NAME, read_labels_index
from cryosegment.exchange.micrograph_lists import FAILURES_NAME
from cryosegment.exchange.names import name_of_picks

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
    found, failures = read_tolerantly(path, pixel_size)
    for error in failures.values():
        raise error
    if not y_up:
        return found
    return {name: _flip(coordinates, height) for name, coordinates in found.items()}


def read_tolerantly(
    path: PathLike, pixel_size: float
) -> Tuple[Dict[str, Coordinates], Dict[str, InputError]]:
    """Coordinates as `read_coordinates` has them, and why files of a folder cannot be read.

    Parameters
    ----------
    path
        File or folder; of a list of coordinate files, its files count as those of a folder.
    pixel_size
        Of the micrographs, Å/px.

    Returns
    -------
    Coordinates, and errors of files that hold none, both by the name of the micrograph.

    Raises
    ------
    InputError
        If there is no file, or none can be read.
    """
    path = Path(path)
    found: Dict[str, Coordinates] = {}
    failures: Dict[str, InputError] = {}
    for name, file in _own_files(path):
        try:
            own = _read_own(file, pixel_size)
            if name is not None:
                own = {name: _of_micrograph(own, name, file)}
            for micrograph in own.keys() & found.keys():
                raise InputError(
                    f"two files in {path} hold coordinates of micrograph {micrograph}, the second "
                    f"is {file.name}: keep one"
                )
        except InputError as error:
            failures[name_of_picks(file) if name is None else name] = error
            continue
        found.update(own)
    if failures and not found:
        raise next(iter(failures.values()))
    return found, failures


def read_coordinates_of(path: PathLike, pixel_size: float, micrograph: str) -> Coordinates:
    """Coordinates of a micrograph from a file of its own, whatever that calls it.

    Raises
    ------
    InputError
        If the file cannot be read, or holds those of several micrographs or of none.
    """
    found = list(read_coordinates(path, pixel_size).values())
    if len(found) != 1:
        raise InputError(
            f"expected coordinates of micrograph {micrograph} alone in {path}, found those of "
            f"{len(found)}"
        )
    return found[0].renamed(micrograph)


def _flip(coordinates: Coordinates, height: Optional[Heights]) -> Coordinates:
    rows = height.get(coordinates.name) if isinstance(height, Mapping) else height
    if rows is None:
        raise InputError(
            f"the height of micrograph {coordinates.name} is unknown: it is needed where y counts "
            "from the last row"
        )
    return coordinates.flipped(rows)


def _own_files(path: Path) -> Iterator[Tuple[Optional[str], Path]]:
    """The files that hold the coordinates themselves, with their micrograph where a list says it.

    Of a folder, all; of a list of coordinate files, those that it names.
    """
    for file in _coordinate_files(path) if path.is_dir() else [path]:
        check_file(file)
        if file.suffix.lower() == ".star" and is_coordinate_list(file):
            for micrograph, own in listed_files(file):
                yield micrograph_name(micrograph), own
        else:
            yield None, file


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


def _read_own(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Coordinates that stand in a file itself."""
    known = format_of(path)
    if known is None:
        raise InputError(f"expected coordinates as {suffixes()}, got {path}: convert it")
    found = known.read(path, pixel_size)
    return {name: replace(coordinates, file=path) for name, coordinates in found.items()}


def _of_micrograph(found: Dict[str, Coordinates], name: str, file: Path) -> Coordinates:
    """The coordinates of a micrograph in what a file of a list holds."""
    if len(found) != 1 and name not in found:
        raise InputError(f"expected coordinates of micrograph {name} in {file}, found others")
    return found.get(name, next(iter(found.values()))).renamed(name)
