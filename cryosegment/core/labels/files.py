# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a micrograph in a labels folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int8, Int16, Int32

from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import CLASSES, LabelEntry

PIXEL_SIZE_TOLERANCE = 0.01
"""Relative; headers are rounded."""


@dataclass(frozen=True)
class LabelMaps:
    """The labels of a micrograph as they were read, at its own pixels.

    Parameters
    ----------
    instances
        0 background, k the particle of row k - 1 of `centers_yx`.
    classes
        Values of `cryosegment.exchange.labels.CLASSES`.
    centers_yx
        px.
    """

    instances: Int32[np.ndarray, "height width"]
    classes: Int32[np.ndarray, "height width"]
    centers_yx: Float[np.ndarray, "n 2"]


def read_label_maps(entry: LabelEntry) -> LabelMaps:
    """Labels of a micrograph, checked.

    Raises
    ------
    InputError
        If a file cannot be read; if a map has another shape or pixel size than the micrograph, or
        values that are no class or no row of the coordinates.
    """
    found = read_coordinates(entry.coordinates, entry.pixel_size)
    centers = np.concatenate([np.empty((0, 2)), *(item.centers_yx for item in found.values())])
    known = CLASSES.values()
    return LabelMaps(
        _read_map(entry.instances, entry, 0, len(centers), "instances of its coordinates"),
        _read_map(entry.classes, entry, min(known), max(known), "classes"),
        centers,
    )


def _read_map(
    path: Path, entry: LabelEntry, lowest: int, highest: int, meaning: str
) -> Int32[np.ndarray, "height width"]:
    """A label map of a micrograph; its values are in bounds."""
    values, pixel_size = read_image(path)
    if values.shape != entry.shape:
        raise InputError(
            f"expected {entry.shape[0]} x {entry.shape[1]} px, the micrograph's, in {path}, found "
            f"{values.shape[0]} x {values.shape[1]}: make the labels again"
        )
    if pixel_size > 0 and abs(pixel_size / entry.pixel_size - 1) > PIXEL_SIZE_TOLERANCE:
        raise InputError(
            f"expected {entry.pixel_size:g} Å/px, the micrograph's, in {path}, found "
            f"{pixel_size:g}: make the labels again, or correct the header"
        )
    low, high = values.min(), values.max()
    if not (lowest <= low and high <= highest and (values == np.rint(values)).all()):
        raise InputError(
            f"expected {meaning}, whole numbers from {lowest} to {highest}, in {path}, found "
            f"values from {low:g} to {high:g}: make the labels again"
        )
    return values.astype(np.int32)


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
