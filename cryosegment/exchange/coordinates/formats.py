# SPDX-License-Identifier: GPL-3.0-or-later
"""Table of all formats of coordinates that are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence

from cryosegment.exchange.coordinates.cryolo import read_cbox, write_cbox
from cryosegment.exchange.coordinates.cryosparc import read_cs, write_cs
from cryosegment.exchange.coordinates.eman import read_box, read_info, write_box, write_info
from cryosegment.exchange.coordinates.record import Coordinates, Picked
from cryosegment.exchange.coordinates.relion import (
    read_star_coordinates,
    write_coordinate_list,
    write_coordinates,
)
from cryosegment.exchange.coordinates.tables import read_coord, read_csv, read_topaz, write_csv
from cryosegment.exchange.coordinates.xmipp import read_pos
from cryosegment.exchange.errors import InputError

STAR = ".star"


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
    """

    name: str
    write: Callable[[Path, Coordinates, float], None]
    about: str


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
    """

    name: str
    file: str
    write: Callable[[Path, Sequence[Picked]], None]
    about: str


FORMATS = (
    JointFormat(
        STAR,
        read_star_coordinates,
        "relion",
        "autopick.star",
        write_coordinate_list,
        "a list of the files for RELION 4",
    ),
    MicrographFormat(".box", read_box, "box", write_box, "EMAN1"),
    MicrographFormat(".cbox", read_cbox, "cbox", write_cbox, "crYOLO"),
    MicrographFormat(".csv", read_csv, "csv", write_csv, "a table"),
    MicrographFormat("_info.json", read_info, "eman2", write_info, "_info.json of EMAN2"),
    JointFormat(".cs", read_cs, "cs", "coordinates.cs", write_cs, "CryoSPARC"),
    Format(".coord", read_coord),
    Format(".coords", read_coord),
    Format(".pos", read_pos),
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
