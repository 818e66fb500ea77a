# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinate files written: STAR for RELION, .box for EMAN, .cbox for crYOLO, .csv."""

from __future__ import annotations

import csv
import io
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.files import PathLike, write_text
from cryosegment.exchange.star import Cell, write_star

Columns = Dict[str, Sequence[Cell]]


def _columns(coordinates: Coordinates) -> Columns:
    count = len(coordinates)
    columns: Columns = {
        "rlnCoordinateX": [float(x) for x in coordinates.centers_yx[:, 1]],
        "rlnCoordinateY": [float(y) for y in coordinates.centers_yx[:, 0]],
        "rlnClassNumber": [0] * count,
        "rlnAnglePsi": [float(angle) for angle in np.nan_to_num(coordinates.angles)],
    }
    for name, values in _optional(coordinates).items():
        if np.isfinite(values).any():
            columns[name] = [float(value) for value in values]
    return columns


def _optional(coordinates: Coordinates) -> Dict[str, np.ndarray]:
    """Scores, and sizes in Å; written where any is known."""
    return {
        "rlnAutopickFigureOfMerit": coordinates.scores,
        "cryosegmentDiameter": coordinates.diameters,
        "cryosegmentShortDiameter": coordinates.short_diameters,
    }


def write_coordinates(path: PathLike, coordinates: Coordinates) -> None:
    """Write one micrograph's coordinates as a STAR file that RELION 3.1 and later read.

    Scores stand in `_rlnAutopickFigureOfMerit`, diameters (Å) in `_cryosegmentDiameter` and
    `_cryosegmentShortDiameter`, where any is known.
    """
    write_star(path, {"": _columns(coordinates)})


def write_coordinates_star(
    path: PathLike, micrographs: Iterable[Tuple[PathLike, Coordinates]]
) -> None:
    """Write the coordinates of many micrographs as one STAR file that names them."""
    pairs = list(micrographs)
    columns: Dict[str, List[Cell]] = {"rlnMicrographName": []}
    own = [_columns(coordinates) for _, coordinates in pairs]
    names = {name: None for each in own for name in each}
    for (micrograph, coordinates), each in zip(pairs, own):
        count = len(coordinates)
        columns["rlnMicrographName"] += [str(micrograph)] * count
        for name in names:
            columns.setdefault(name, []).extend(each.get(name, [float("nan")] * count))
    write_star(path, {"": columns})


def write_box(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write an EMAN .box file: corner and size in px of boxes of `box_size` px."""
    corners_yx = coordinates.centers_yx - box_size / 2
    lines = [f"{x:.3f}\t{y:.3f}\t{box_size:g}\t{box_size:g}\n" for y, x in corners_yx]
    write_text(path, "".join(lines))


def write_cbox(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a crYOLO .cbox file: boxes of `box_size` px, their sizes and confidences."""
    corners_yx = coordinates.centers_yx - box_size / 2
    sizes = [
        f"{diameter / coordinates.pixel_size:.3f}" if np.isfinite(diameter) else "<NA>"
        for diameter in coordinates.diameters
    ]
    count = len(coordinates)
    columns: Columns = {
        "CoordinateX": [float(x) for x in corners_yx[:, 1]],
        "CoordinateY": [float(y) for y in corners_yx[:, 0]],
        "CoordinateZ": ["<NA>"] * count,
        "Width": [float(box_size)] * count,
        "Height": [float(box_size)] * count,
        "Depth": ["<NA>"] * count,
        "EstWidth": sizes,
        "EstHeight": sizes,
        "Confidence": [
            float(score) if np.isfinite(score) else "<NA>" for score in coordinates.scores
        ],
        "NumBoxes": ["<NA>"] * count,
        "Angle": ["<NA>"] * count,
    }
    write_star(path, {"global": {"cbox_format_version": ["1.0"]}, "cryolo": columns})


def write_csv(path: PathLike, coordinates: Coordinates) -> None:
    """Write a .csv file: micrograph, x and y in px, score, diameter in Å (empty: unknown)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["micrograph", "x", "y", "score", "diameter_angstrom"])
    for (y, x), score, diameter in zip(
        coordinates.centers_yx, coordinates.scores, coordinates.diameters
    ):
        size = f"{diameter:.3f}" if np.isfinite(diameter) else ""
        own = f"{score:.6f}" if np.isfinite(score) else ""
        writer.writerow([coordinates.name, f"{x:.3f}", f"{y:.3f}", own, size])
    write_text(path, text.getvalue())
