# SPDX-License-Identifier: GPL-3.0-or-later
"""`labels.json`: which label maps belong to which micrograph."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import PathLike, check_names, read_json, write_text
from cryosegment.exchange.records import Record, record_from_dict, record_to_dict

LABELS_NAME = "labels.json"
REPORT_NAME, REJECTED_NAME, SUMMARY_NAME = "report.csv", "rejected.csv", "report.json"
"""What a run of `labels` says of its micrographs, of particles without a label, and of all."""
LABELS_VERSION = 1

BACKGROUND, PARTICLE, CONTAMINATION, EDGE, UNKNOWN = 0, 1, 2, 3, -1
CLASSES = {
    "background": BACKGROUND,
    "particle": PARTICLE,
    "contamination": CONTAMINATION,
    "edge": EDGE,
    "unknown": UNKNOWN,
}


PICKS = "picks"
"""Source of labels that are unchecked picks: models are not validated on them."""
PICKED = "picked coordinates"
"""Source of labels from coordinates that a picker has scored, and that are taken for true."""
OUTLINED = ("simulation", "reconstruction")
"""Sources whose labels have the outlines of the particles; discs have not."""


def are_outlined(sources: str) -> bool:
    """Whether labels of these sources, with commas between them, have outlines, if they say any."""
    return all(source in (*OUTLINED, "") for source in sources.split(", "))


def is_particle(classes: Any) -> Any:
    """Mask of the particles in a class map (array or tensor): class particle or edge."""
    return (classes == PARTICLE) | (classes == EDGE)


@dataclass(frozen=True)
class LabelEntry(Record):
    """One micrograph and its labels.

    Parameters
    ----------
    name
        Name of the micrograph.
    micrograph, instances, classes, coordinates
        Files: the image, the instance map, the class map and the particle centres.
    pixel_size
        Pixel size of the micrograph and its label maps, Å/px.
    shape
        Rows and columns of the micrograph, px.
    diameter
        Particle diameter, Å.
    """

    name: str
    micrograph: Path
    instances: Path
    classes: Path
    coordinates: Path
    pixel_size: float
    shape: Tuple[int, int]
    diameter: float

    def __post_init__(self) -> None:
        """Check that sizes are above 0.

        Raises
        ------
        ParameterError
            If one is not.
        """
        for name, value in (
            ("pixel size", self.pixel_size),
            ("diameter", self.diameter),
            ("shape", min(self.shape)),
        ):
            if not (math.isfinite(value) and value > 0):
                raise ParameterError(
                    f"expected the {name} of {self.name} to be above 0, got {value}"
                )


@dataclass(frozen=True)
class LabelsIndex(Record):
    """The labels of a folder.

    Parameters
    ----------
    entries
        The micrographs.
    source
        Where the labels come from: "simulation", "coordinates", "reconstruction", `PICKED`, or
        `PICKS`.
    classes
        Value of each class in the class maps.
    """

    entries: Tuple[LabelEntry, ...]
    source: str
    classes: Dict[str, int] = field(default_factory=lambda: dict(CLASSES))


LABEL_FOLDERS = {"instances": ".mrc", "classes": ".mrc", "coordinates": ".star"}
"""Folder of each kind of label, a field of the entries, and the end of its files' names."""
FILE_FIELDS = ("micrograph", *LABEL_FOLDERS)


def label_entry(
    folder: PathLike,
    name: str,
    micrograph: Path,
    pixel_size: float,
    shape: Tuple[int, int],
    diameter: float,
) -> LabelEntry:
    """A micrograph with its labels at their places in a labels folder; these may not be there.

    Parameters
    ----------
    folder
        The labels folder.
    name, micrograph, pixel_size, shape, diameter
        As in `LabelEntry`.
    """
    files = {kind: Path(folder, kind, f"{name}{end}") for kind, end in LABEL_FOLDERS.items()}
    return LabelEntry(
        name, micrograph, **files, pixel_size=pixel_size, shape=shape, diameter=diameter
    )


def write_labels_index(folder: PathLike, index: LabelsIndex) -> None:
    """Write `labels.json` in `folder`.

    Files in the folder or beside it are named relative to it, so that both can be moved;
    others by their absolute path.
    """
    entries = tuple(_moved(entry, lambda path: _portable(path, folder)) for entry in index.entries)
    values = record_to_dict(replace(index, entries=entries))
    values = {"version": LABELS_VERSION, "micrographs": values.pop("entries"), **values}
    write_text(Path(folder) / LABELS_NAME, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _moved(entry: LabelEntry, move: Callable[[Path], Path]) -> LabelEntry:
    """An entry with other paths."""
    files: Dict[str, Any] = {name: move(getattr(entry, name)) for name in FILE_FIELDS}
    return replace(entry, **files)


def _portable(path: Path, folder: PathLike) -> Path:
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    is_near = folder in path.parents or folder.parent in path.parents
    return Path(os.path.relpath(path, folder)) if is_near else path


def read_labels_index(folder: PathLike) -> LabelsIndex:
    """Labels of a folder, with paths that can be opened.

    Raises
    ------
    InputError
        If `labels.json` is missing or invalid, is empty, names a file that is not there, or has
        a name that cannot be that of a file, other classes, or a size that is not above 0.
    """
    path = Path(folder) / LABELS_NAME
    if not path.exists():
        raise InputError(
            f"expected a labels folder with {LABELS_NAME}, but {folder} has none: make one by "
            "`cryosegment labels` or `cryosegment simulate`"
        )
    values = read_json(path)
    try:
        version, entries = values.pop("version"), values.pop("micrographs")
        if version != LABELS_VERSION:
            raise InputError(f"expected labels version {LABELS_VERSION}, got {version} in {path}")
        index = record_from_dict(LabelsIndex, {**values, "entries": entries})
    except (AttributeError, KeyError, TypeError, ParameterError) as error:
        raise InputError(
            f"{path} is not a valid labels file ({error}): make the labels again"
        ) from None
    if not index.entries:
        raise InputError(f"{path} names no micrograph: give a folder with labels")
    if index.classes != CLASSES:
        raise InputError(f"expected the classes {CLASSES} in {path}, got {index.classes}")
    check_names(entry.name for entry in index.entries)

    def opened(file: Path) -> Path:
        found = path.parent / file
        if not os.path.exists(found):  # nor does one whose name is too long
            raise InputError(f"{found}, named in {path}, does not exist")
        return found

    return replace(index, entries=tuple(_moved(entry, opened) for entry in index.entries))
