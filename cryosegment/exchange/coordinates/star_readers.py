# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates in STAR files: of RELION, .cbox of crYOLO, .pos of Xmipp."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping

import numpy as np

from cryosegment.exchange.coordinates.columns import by_micrograph, numbers, own_name, required
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.star import Block, read_star

STAR_SCORES = ("rlnAutopickFigureOfMerit", "cryosegmentScore")
STAR_COLUMNS = {
    "diameters": "cryosegmentDiameter",
    "short_diameters": "cryosegmentShortDiameter",
    "angles": "rlnAnglePsi",
}
"""Columns of what is unknown where it is left out."""
POS_BLOCKS = ("particles", "particles_auto")
"""Particles picked by hand and automatically."""
DISABLED = -1.0
"""Particles that were deleted in Xmipp stay in its file with this in the column enabled."""


def read_star_coordinates(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Coordinates of RELION, of one micrograph or of all that `rlnMicrographName` names."""
    block = _coordinate_block(path, read_star(path))
    centers_yx = np.stack(
        [required(path, f"rlnCoordinate{axis}", block[f"rlnCoordinate{axis}"]) for axis in "YX"],
        axis=1,
    )
    count = len(centers_yx)
    score = next((column for column in STAR_SCORES if column in block), "")
    everything = Coordinates(
        centers_yx,
        pixel_size,
        own_name(path),
        scores=numbers(path, score, block.get(score, [""] * count), np.nan),
        **{
            name: numbers(path, column, block.get(column, [""] * count), np.nan)
            for name, column in STAR_COLUMNS.items()
        },
    )
    names = [micrograph_name(n.rsplit("@", 1)[-1]) for n in block.get("rlnMicrographName", [])]
    return by_micrograph(names, everything) if names else {everything.name: everything}


def _coordinate_block(path: Path, blocks: Mapping[str, Block]) -> Block:
    for block in blocks.values():
        if "rlnCoordinateX" in block and "rlnCoordinateY" in block:
            return block
    raise InputError(f"expected the columns rlnCoordinateX and rlnCoordinateY in {path}, not found")


def read_cbox(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Boxes of crYOLO, with the confidences and sizes that it estimated."""
    block = read_star(path).get("cryolo", {})
    needed = ("CoordinateX", "CoordinateY", "Width", "Height")
    absent = [column for column in needed if column not in block]
    if absent:
        raise InputError(f"expected the column {absent[0]} in data_cryolo of {path}, not found")
    corner_x, corner_y, width, height = (required(path, name, block[name]) for name in needed)
    count = len(corner_x)
    sizes = numbers(path, "EstWidth", block.get("EstWidth", [""] * count), np.nan)
    scores = numbers(path, "Confidence", block.get("Confidence", [""] * count), np.nan)
    name = own_name(path)
    centers_yx = np.stack([corner_y + height / 2, corner_x + width / 2], axis=1)
    return {name: Coordinates(centers_yx, pixel_size, name, scores, sizes * pixel_size)}


def read_pos(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Particles of Xmipp that were not deleted: by hand, which are sure, or automatic ones."""
    blocks = read_star(path)
    found = [blocks[name] for name in POS_BLOCKS if blocks.get(name)]
    if not found and not any(name in blocks for name in ("header", *POS_BLOCKS)):
        raise InputError(f"expected data_particles in {path}, not found: is it a file of Xmipp?")
    tables = [_pos_table(path, block) for block in found]
    x, y, scores, enabled = np.concatenate(tables, axis=1) if tables else np.empty((4, 0))
    name = own_name(path)
    everything = Coordinates(np.stack([y, x], axis=1), pixel_size, name, scores)
    return {name: everything.select(enabled != DISABLED)}


def _pos_table(path: Path, block: Block) -> np.ndarray:
    """Rows x, y, score, enabled."""
    absent = [column for column in ("xcoor", "ycoor") if column not in block]
    if absent:
        raise InputError(f"expected the column {absent[0]} in {path}, not found")
    count = len(block["xcoor"])
    return np.stack(
        [
            required(path, "xcoor", block["xcoor"]),
            required(path, "ycoor", block["ycoor"]),
            numbers(path, "cost", block.get("cost", ["1"] * count), 1.0),
            numbers(path, "enabled", block.get("enabled", ["1"] * count), 1.0),
        ]
    )
