# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the files in the output folder of `pick`."""

from __future__ import annotations

from pathlib import Path

from cryosegment.exchange.coordinates import WRITTEN
from cryosegment.exchange.files import PathLike

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
FALSE_DISCOVERY_NAME = "false_discovery.csv"


def file_of(folder: PathLike, kind: str, name: str) -> Path:
    """File of a micrograph in an output folder, of a kind in `SUFFIXES`."""
    return Path(folder) / kind / f"{name}{SUFFIXES[kind]}"
