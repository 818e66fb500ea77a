# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates of crYOLO: .cbox, as a table of numbers (first versions) or as STAR."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import numpy as np

from cryosegment.exchange.coordinates.columns import places
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.tables import read_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_text
from cryosegment.exchange.names import name_of_picks
from cryosegment.exchange.star import read_star, write_star

CORNER, BOX = ("CoordinateY", "CoordinateX"), ("Height", "Width")
DEPTH, CONFIDENCE, ESTIMATE = "CoordinateZ", "Confidence", "EstWidth"


def read_cbox(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Boxes with the confidences and estimated sizes of crYOLO; sizes in the file are in px."""
    text = read_text(path)
    if "data_" not in text and text.strip():
        return _read_table(path, pixel_size)
    block = read_star(path).get("cryolo")
    absent = [column for column in (*CORNER, *BOX) if block is None or column not in block]
    if block is None or absent:
        raise InputError(f"expected the column {absent[0]} in data_cryolo of {path}, not found")
    found = block.read((*CORNER, *BOX, DEPTH, CONFIDENCE, ESTIMATE))[0]
    if np.nan_to_num(found.get(DEPTH, np.empty(0))).any():
        raise InputError(f"{path} holds boxes of a tomogram: give boxes of micrographs")
    corners_yx, sizes_yx = (
        places(path, **{column: found[column] for column in columns}) for columns in (CORNER, BOX)
    )
    unknown = np.full(block.count, np.nan)
    return _boxes(
        path,
        pixel_size,
        corners_yx + sizes_yx / 2,
        found.get(CONFIDENCE, unknown),
        found.get(ESTIMATE, unknown),
    )


def _read_table(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Corner, width, height, and perhaps confidence, estimated width and height in a row."""
    table = read_rows(path, ("x", "y", "width", "height"))
    unknown = np.full(len(table), np.nan)
    scores = table[:, 4] if table.shape[1] in (5, 7) else unknown
    sizes = table[:, -2] if table.shape[1] >= 6 else unknown
    return _boxes(path, pixel_size, (table[:, :2] + table[:, 2:4] / 2)[:, ::-1], scores, sizes)


def _boxes(
    path: Path, pixel_size: float, centers_yx: np.ndarray, scores: np.ndarray, sizes: np.ndarray
) -> Dict[str, Coordinates]:
    name = name_of_picks(path)
    return {name: Coordinates(centers_yx, pixel_size, name, scores, sizes * pixel_size)}


def write_cbox(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a .cbox file: boxes of `box_size` px, their sizes and confidences."""
    corners_yx = coordinates.centers_yx - box_size / 2
    diameters_px = coordinates.diameters / coordinates.pixel_size
    sizes = [f"{size:.3f}" if np.isfinite(size) else "<NA>" for size in diameters_px]
    scores = [float(score) if np.isfinite(score) else "<NA>" for score in coordinates.scores]
    count = len(coordinates)
    columns = {
        "CoordinateX": corners_yx[:, 1].tolist(),
        "CoordinateY": corners_yx[:, 0].tolist(),
        "CoordinateZ": ["<NA>"] * count,
        "Width": [float(box_size)] * count,
        "Height": [float(box_size)] * count,
        "Depth": ["<NA>"] * count,
        "EstWidth": sizes,
        "EstHeight": sizes,
        CONFIDENCE: scores,
        "NumBoxes": ["<NA>"] * count,
        "Angle": ["<NA>"] * count,
    }
    write_star(path, {"global": {"cbox_format_version": ["1.0"]}, "cryolo": columns})
