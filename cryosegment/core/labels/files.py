# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a micrograph in a labels folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int8, Int16

from cryosegment.core.images.micrograph import Micrograph, write_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.labels import LabelEntry


def label_entry(folder: Path, path: Path, micrograph: Micrograph, diameter: float) -> LabelEntry:
    """Paths of the labels of a micrograph in a labels folder.

    Parameters
    ----------
    folder
        The labels folder.
    path
        File of the micrograph.
    micrograph
        The micrograph.
    diameter
        Of its particles, Å.
    """
    name = micrograph.name
    height, width = micrograph.image.shape
    return LabelEntry(
        name=name,
        micrograph=path,
        instances=folder / "instances" / f"{name}.mrc",
        classes=folder / "classes" / f"{name}.mrc",
        coordinates=folder / "coordinates" / f"{name}.star",
        pixel_size=micrograph.pixel_size,
        shape=(height, width),
        diameter=diameter,
    )


def write_labels(
    entry: LabelEntry,
    instances: Int16[np.ndarray, "h w"],
    classes: Int8[np.ndarray, "h w"],
    coordinates: Coordinates,
) -> None:
    """Write the labels of a micrograph; the coordinates come last, as the sign that all is there.

    Parameters
    ----------
    entry
        Paths of the files.
    instances
        0 background, k the particle of row k - 1 of the coordinates.
    classes
        Values of `cryosegment.exchange.labels.CLASSES`.
    coordinates
        The particles' centres.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    write_image(entry.instances, instances, entry.pixel_size)
    write_image(entry.classes, classes, entry.pixel_size)
    write_coordinates(entry.coordinates, coordinates)
