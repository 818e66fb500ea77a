# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates of Xmipp: .pos of a micrograph, or of all micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from cryosegment.exchange.coordinates.columns import by_micrograph, places
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name
from cryosegment.exchange.names import name_of_picks
from cryosegment.exchange.star import Block, read_star, write_star

X, Y, SCORE, ENABLED, MICROGRAPH = "xcoor", "ycoor", "cost", "enabled", "micrograph"
OWN_BLOCKS = ("", "noname", "particles", "particles_auto")
"""Blocks that hold particles of the micrograph that the file is named after."""
XMIPP_HEAD = "# XMIPP_STAR_1 *\n"
"""First line of a file of Xmipp."""
DISABLED = -1.0
"""Value of the column enabled for particles that were deleted in Xmipp."""


def read_pos(path: Path, pixel_size: float) -> Dict[str, Coordinates]:
    """Particles that were not deleted: picked by hand (score 1) or automatically.

    In a file of several micrographs, a column or the name of the block gives the micrograph.
    """
    everything = read_star(path)
    blocks = {
        name: block
        for name, block in everything.items()
        if X in block or Y in block or name in OWN_BLOCKS
    }
    if not blocks and "header" not in everything:
        raise InputError(f"expected data_particles in {path}, not found: is it a file of Xmipp?")
    own = name_of_picks(path)
    tables, names = [np.empty((0, 4))], []
    for name, block in blocks.items():
        table, micrographs = _table(path, block, own if name in OWN_BLOCKS else name)
        tables.append(table)
        names += micrographs
    x, y, scores, enabled = np.concatenate(tables).T
    particles = Coordinates(np.stack([y, x], axis=1), pixel_size, own, scores)
    found = by_micrograph(names, particles) if names else {own: particles}
    return {
        name: coordinates.select(enabled[coordinates.rows - 1] != DISABLED)
        for name, coordinates in found.items()
    }


def _table(path: Path, block: Block, name: str) -> Tuple[np.ndarray, List[str]]:
    """Rows of x, y, score, enabled, and the micrograph of each."""
    absent = [column for column in (X, Y) if column not in block]
    if absent and block.count:
        raise InputError(f"expected the column {absent[0]} in {path}, not found")
    numbers, texts = block.read((X, Y, SCORE, ENABLED), (MICROGRAPH,))
    sure = np.ones(block.count)
    xy = places(path, **{column: numbers.get(column, np.empty(0)) for column in (X, Y)})
    table = np.column_stack((xy, numbers.get(SCORE, sure), numbers.get(ENABLED, sure)))
    micrographs = texts.get(MICROGRAPH, [name] * block.count)
    return table, [micrograph_name(text) if text != name else name for text in micrographs]


def write_pos(path: PathLike, coordinates: Coordinates, box_size: float) -> None:
    """Write a .pos file of automatic picks: centres in whole px, as Xmipp has them, and scores.

    It has no box size.
    """
    count = len(coordinates)
    whole = np.rint(coordinates.centers_yx).astype(int)
    columns = {
        X: whole[:, 1].tolist(),
        Y: whole[:, 0].tolist(),
        SCORE: coordinates.ranking.tolist(),
        ENABLED: [1] * count,
    }
    state = {"pickingMicrographState": ["Auto"]}
    write_star(path, {"header": state, "particles_auto": columns}, XMIPP_HEAD)
