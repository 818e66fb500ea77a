# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of `pick`: which file is where, and what its lists say of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from cryosegment.exchange.coordinates import (
    EVERYTHING,
    JOINT,
    WRITTEN,
    Coordinates,
    Picked,
    box_side,
    read_coordinates_of,
    write_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.files import PathLike, remove_file
from cryosegment.exchange.job import JOB_NAME
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, FINISHED_NAME, PICKED_NAME
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_summary import MicrographSummary, read_summaries

COORDINATES, CANDIDATES = "coordinates", "candidates"
INSTANCES, SEGMENTATIONS = "instances", "segmentations"
CONTAMINATION_MASKS = "contamination_masks"
PROBABILITY, CONTAMINATION = "probability", "contamination"
OVERLAYS = "overlays"
SUFFIXES = {
    CANDIDATES: ".star",
    INSTANCES: ".mrc",
    SEGMENTATIONS: ".npz",
    CONTAMINATION_MASKS: ".mrc",
    PROBABILITY: ".mrc",
    CONTAMINATION: ".mrc",
    OVERLAYS: ".png",
    **{name: written.suffix for name, written in WRITTEN.items()},
    COORDINATES: ".star",
}
"""Folder of each kind of file of a micrograph, and the end of its files' names."""
OF_CLASS = "coordinates_size{}.star"
FALSE_DISCOVERY_NAME = "false_discovery.csv"
PICKING_NAME = "picking.json"
CONTENTS = (
    *SUFFIXES,
    *(joint.file for joint in JOINT.values()),
    EVERYTHING,
    OF_CLASS.format("*"),
    PICKED_NAME,
    FALSE_DISCOVERY_NAME,
    PICKING_NAME,
    FAILURES_NAME,
    FINISHED_NAME,
)
"""Everything that `pick` may write, its job apart; with a star for the numbers of size classes."""


@dataclass(frozen=True)
class PickFolder:
    """An output folder of `pick`.

    Parameters
    ----------
    path
        The folder, which may be missing or hold the results of some micrographs alone.
    """

    path: PathLike

    def folder(self, kind: str) -> Path:
        """Folder of the files of a kind in `SUFFIXES`; it may not be there."""
        return Path(self.path, kind)

    def file(self, kind: str, name: str) -> Path:
        """File of a micrograph, of a kind in `SUFFIXES`; it may not be there."""
        return self.folder(kind) / f"{name}{SUFFIXES[kind]}"

    @property
    def everything(self) -> Path:
        """STAR file with the picks of all micrographs."""
        return Path(self.path, EVERYTHING)

    def of_class(self, number: int) -> Path:
        """STAR file with the picks of a size class on all micrographs."""
        return Path(self.path, OF_CLASS.format(number))

    def class_files(self) -> List[Path]:
        """Those of all size classes that are there."""
        return sorted(Path(self.path).glob(OF_CLASS.format("*")))

    @property
    def false_discovery(self) -> Path:
        """Table of the rates of false discoveries by threshold."""
        return Path(self.path, FALSE_DISCOVERY_NAME)

    @property
    def job(self) -> Path:
        """Job of the last run there."""
        return Path(self.path, JOB_NAME)

    @property
    def picking(self) -> Path:
        """Where `job` is not that of `pick`: the run of it that would have given the results."""
        return Path(self.path, PICKING_NAME)

    def names(self, kind: str) -> List[str]:
        """Names of the micrographs that have a file of a kind in `SUFFIXES`, by file name."""
        suffix = SUFFIXES[kind]
        files = sorted(file.name for file in self.folder(kind).glob(f"*{suffix}"))
        return [file[: -len(suffix)] for file in files]

    def is_picked(self, name: str) -> bool:
        """Whether a micrograph has its results; its coordinates are written last."""
        return self.file(COORDINATES, name).exists()

    def read(self, kind: str, name: str, pixel_size: float) -> Coordinates:
        """Picks (`COORDINATES`) or `CANDIDATES` of a micrograph.

        Raises
        ------
        InputError
            If its file is missing or cannot be read.
        """
        return read_coordinates_of(self.file(kind, name), pixel_size, name)

    def write(self, chosen: Coordinates, params: PickParams) -> None:
        """Write the picks of a micrograph in all formats of a file for each; coordinates last.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        box_size = box_side(params.diameter, chosen.pixel_size)
        for kind, written in WRITTEN.items():
            if kind in params.formats:
                written.write(self.file(kind, chosen.name), chosen, box_size)
        write_coordinates(self.file(COORDINATES, chosen.name), chosen)

    def write_joint(self, picked: Sequence[Picked], params: PickParams) -> None:
        """Write the files that hold or list the picks of all micrographs; other formats' go.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        write_coordinates_star(self.everything, [(p.micrograph, p.coordinates) for p in picked])
        for kind, joint in JOINT.items():
            if kind in params.formats:
                joint.write(Path(self.path, joint.file), picked)
            else:
                remove_file(Path(self.path, joint.file))

    def remove(self, name: str, kinds: Iterable[str]) -> None:
        """Remove the files of a micrograph of some kinds, where they are."""
        for kind in kinds:
            remove_file(self.file(kind, name))

    def summaries(self) -> Dict[str, MicrographSummary]:
        """Figures of each micrograph by name; empty if there are none.

        Raises
        ------
        InputError
            If their list cannot be read.
        """
        return read_summaries(self.path)

    def counts(self) -> Dict[str, int]:
        """Number of picks of each micrograph by name, from its figures: no coordinates are read.

        Raises
        ------
        InputError
            If the list of figures cannot be read.
        """
        return {name: summary.picks for name, summary in self.summaries().items()}
