# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment labels coordinates`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.labels.discs import discs
from cryosegment.core.labels.files import label_entry, write_labels
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.params import LabelsCoordinatesParams
from cryosegment.exchange.progress import Progress


def run_labels_coordinates(job: Job, params: LabelsCoordinatesParams, progress: Progress) -> None:
    """Make a labels folder in which every particle is a disc."""
    folder = Path(job.output)
    # the unit is px until the micrograph, whose header may say the pixel size, is read
    given = read_coordinates(params.coordinates, params.pixel_size or 1.0)
    entries: list[LabelEntry] = []

    def process(i: int) -> None:
        entries.append(_label(Path(job.inputs[i]), job.names[i], given, params, folder))

    failures = run_each(job.names, process, progress)
    report_failures(folder, failures, len(job.names))
    write_labels_index(folder, LabelsIndex(tuple(entries), "coordinates"))


def _label(
    path: Path,
    name: str,
    given: Mapping[str, Coordinates],
    params: LabelsCoordinatesParams,
    folder: Path,
) -> LabelEntry:
    """Write the label maps of one micrograph."""
    if name not in given:
        raise InputError(
            f"no coordinates of micrograph {name} in {params.coordinates}, which names "
            f"{min(given, default='none')} and others: leave it out or correct the names"
        )
    micrograph = read_micrograph(path, params.pixel_size, name)
    height, width = micrograph.image.shape
    pixel_size = micrograph.pixel_size
    coordinates = replace(given[name], pixel_size=pixel_size)
    coordinates = coordinates.flipped(height) if params.y_up else coordinates
    diameter_px = params.diameter / pixel_size
    _check_inside(coordinates, (height, width), diameter_px)
    entry = label_entry(folder, path, micrograph, params.diameter)
    if params.resume and entry.coordinates.exists():
        return entry
    diameters_px = np.full(len(coordinates), diameter_px)
    instances, classes = discs(
        (height, width), coordinates.centers_yx, diameters_px, params.unknown_ring * diameter_px
    )
    write_labels(entry, instances, classes, coordinates)
    return entry


def _check_inside(coordinates: Coordinates, shape: tuple[int, int], diameter_px: float) -> None:
    if diameter_px > min(shape):
        raise InputError(
            f"the diameter is {diameter_px:.0f} px, but micrograph {coordinates.name} has "
            f"{shape[0]} x {shape[1]}: check --diameter and --pixel-size"
        )
    outside = (coordinates.centers_yx < -diameter_px / 2) | (
        coordinates.centers_yx > np.array(shape) + diameter_px / 2
    )
    if outside.any():
        y, x = coordinates.centers_yx[outside.any(axis=1)][0]
        raise InputError(
            f"{outside.any(axis=1).sum()} particles lie outside micrograph {coordinates.name} "
            f"({shape[1]} x {shape[0]} px), such as x {x:g}, y {y:g}: are they of another pixel "
            "size or another micrograph?"
        )
