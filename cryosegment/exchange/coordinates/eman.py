# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates of EMAN: .box of EMAN1 with its helices, and _info.json of EMAN2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from cryosegment.exchange.cells import is_number
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.tables import read_rows
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_json, read_text, write_text
from cryosegment.exchange.names import name_of_picks

ENDS = (-1.0, -2.0)
"""Values of the fifth column: the box is the first or last of a filament."""
SEGMENTS = "#helix"
"""Beginning of a filament in a file of centres along filaments."""


def read_box(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Boxes of EMAN1: corner, width and height in px; or centres along filaments.

    Raises
    ------
    InputError
        If the boxes are the ends of filaments, between which the particles would lie.
    """
    name = name_of_picks(path)
    if SEGMENTS in read_text(path):
        return {name: Coordinates(read_rows(path, ("x", "y"))[:, 1::-1], pixel_size, name)}
    table = read_rows(path, ("x", "y", "width", "height"))
    if table.shape[1] > 4 and np.isin(table[:, 4], ENDS).any():
        raise InputError(
            f"{path} holds the ends of filaments, not particles: give their segments, as "
            "EMAN_HELIX_SEGMENTED or CBOX of crYOLO"
        )
    corners_yx, sizes_yx = table[:, 1::-1], table[:, 3:1:-1]
    return {name: Coordinates(corners_yx + sizes_yx / 2, pixel_size, name)}


def write_box(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a .box file: corner and size in px of boxes of `box_size` px."""
    corners_yx = coordinates.centers_yx - box_size / 2
    lines = [f"{x:.3f}\t{y:.3f}\t{box_size:g}\t{box_size:g}\n" for y, x in corners_yx]
    write_text(path, "".join(lines))


def read_info(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Centres of EMAN2's boxes in px, with the scores of those that were picked automatically."""
    facts = read_json(path)
    boxes = facts.get("boxes", []) if isinstance(facts, dict) else None
    if not isinstance(boxes, list):
        raise InputError(f"expected a list of boxes in {path}, not found: is it a file of EMAN2?")
    rows = [_box(path, number, box) for number, box in enumerate(boxes, start=1)]
    x, y, scores = np.array(rows).reshape(-1, 3).T
    name = name_of_picks(path)
    return {name: Coordinates(np.stack([y, x], axis=1), pixel_size, name, scores)}


def _box(path: Path, number: int, box: Any) -> List[float]:
    """x, y and score of a box, which is a list of x, y, how it was picked, and the score."""
    is_box = isinstance(box, list) and len(box) > 1 and all(map(is_number, box[:2]))
    if is_box and len(box) > 2 and is_number(box[2]):
        raise InputError(f"{path} holds boxes of a tomogram: give boxes of micrographs")
    if not is_box:
        raise InputError(f"expected x and y in box {number} of {path}, got {str(box)[:40]}")
    return [*map(float, box[:2]), float(box[3]) if len(box) > 3 and is_number(box[3]) else np.nan]


def write_info(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a file of EMAN2 with the centres in px and their scores, without a box size."""
    boxes = [
        [round(x, 3), round(y, 3), "manual"]
        if np.isnan(score)
        else [round(x, 3), round(y, 3), "auto", round(score, 6)]
        for (y, x), score in zip(coordinates.centers_yx.tolist(), coordinates.scores.tolist())
    ]
    write_text(path, json.dumps({"boxes": boxes}, indent=1) + "\n")
