# SPDX-License-Identifier: GPL-3.0-or-later
"""Table of all formats of coordinates that are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Tuple

from cryosegment.exchange.coordinates.cryolo import read_cbox, write_cbox
from cryosegment.exchange.coordinates.cryosparc import read_cs, write_cs
from cryosegment.exchange.coordinates.eman import read_box, read_info, write_box, write_info
from cryosegment.exchange.coordinates.json_table import read_picks_json, write_picks_json
from cryosegment.exchange.coordinates.record import Coordinates, Picked
from cryosegment.exchange.coordinates.relion import (
    read_star_coordinates,
    write_coordinate_list,
    write_coordinates,
)
from cryosegment.exchange.coordinates.tables import read_coord, read_csv, read_topaz, write_csv
from cryosegment.exchange.coordinates.xmipp import read_pos, write_pos
from cryosegment.exchange.errors import InputError

STAR = ".star"
SCORES, SIZES = "scores", "diameters"


@dataclass(frozen=True)
class Format:
    """A format of coordinates.

    Attributes
    ----------
    suffix
        End of the names of its files.
    read
        Reads the coordinates of every micrograph in a file; pixel size in Å/px.
    """

    suffix: str
    read: Callable[[Path, float], Dict[str, Coordinates]]


@dataclass(frozen=True)
class MicrographFormat(Format):
    """A format of picks with a file for each micrograph.

    Attributes
    ----------
    name
        Name in `--formats`, and of the folder of its files.
    write
        Writes the picks of a micrograph to a file, with boxes of so many px.
    about
        What users know it by.
    keeps
        Fields of the picks that it holds besides their centres.
    is_whole
        Whether it holds centres in whole px.
    """

    name: str
    write: Callable[[Path, Coordinates, float], None]
    about: str
    keeps: Tuple[str, ...] = ()
    is_whole: bool = False


@dataclass(frozen=True)
class JointFormat(Format):
    """A format of picks with one file for all micrographs.

    Attributes
    ----------
    name
        Name in `--formats`.
    file
        Its file in an output folder, beside the folder `coordinates`.
    write
        Writes the picks of all micrographs to a file.
    about
        What users know it by.
    keeps
        Fields of the picks that it holds besides their centres.
    """

    name: str
    file: str
    write: Callable[[Path, Sequence[Picked]], None]
    about: str
    keeps: Tuple[str, ...] = ()


FORMATS = (
    JointFormat(
        STAR,
        read_star_coordinates,
        "relion",
        "autopick.star",
        write_coordinate_list,
        "a list of the files for RELION 4",
        (SCORES, SIZES),
    ),
    MicrographFormat(".box", read_box, "box", write_box, "EMAN1"),
    MicrographFormat(".cbox", read_cbox, "cbox", write_cbox, "crYOLO", (SCORES, SIZES)),
    MicrographFormat(".csv", read_csv, "csv", write_csv, "a table", (SCORES, SIZES)),
    MicrographFormat("_info.json", read_info, "eman2", write_info, "EMAN2", (SCORES,)),
    MicrographFormat(
        ".picks.json", read_picks_json, "json", write_picks_json, "for scripts", (SCORES, SIZES)
    ),
    MicrographFormat(
        ".pos", read_pos, "xmipp", write_pos, "Xmipp, in whole px", (SCORES,), is_whole=True
    ),
    JointFormat(".cs", read_cs, "cs", "coordinates.cs", write_cs, "CryoSPARC", (SCORES,)),
    Format(".coord", read_coord),
    Format(".coords", read_coord),
    Format(".xmd", read_pos),
    Format(".txt", read_topaz),
)
WRITTEN = {each.name: each for each in FORMATS if isinstance(each, MicrographFormat)}
JOINT = {each.name: each for each in FORMATS if isinstance(each, JointFormat)}
"""Formats that picks are written in besides STAR, by name."""


def format_of(path: Path) -> Optional[Format]:
    """Format of a file by its name; None for a file of no format of coordinates."""
    name = path.name.lower()
    return next((each for each in FORMATS if name.endswith(each.suffix)), None)


def write_coordinates_as(path: Path, coordinates: Coordinates, box_size: float) -> None:
    """Write the picks of a micrograph in the format that a file's name ends in.

    Parameters
    ----------
    path
        File to make.
    coordinates
        The picks.
    box_size
        Side of their boxes, px.

    Raises
    ------
    InputError
        If no format of a file for each micrograph ends so, or the file cannot be written.
    """
    if path.suffix.lower() == STAR:
        write_coordinates(path, coordinates)
        return
    found = format_of(path)
    if not isinstance(found, MicrographFormat):
        known = ", ".join((STAR, *(each.suffix for each in WRITTEN.values())))
        raise InputError(f"expected a file name that ends in one of {known}, got {path}")
    found.write(path, coordinates, box_size)


def suffixes() -> str:
    """The endings of all formats, for messages."""
    return ", ".join(each.suffix for each in FORMATS)
