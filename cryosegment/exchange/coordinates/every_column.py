# SPDX-License-Identifier: GPL-3.0-or-later
"""Every column of the files that coordinates come from, also those that nothing here knows."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional

from cryosegment.exchange.coordinates.formats import STAR
from cryosegment.exchange.coordinates.record import Coordinates
from cryosegment.exchange.coordinates.relion import (
    Columns,
    coordinate_block,
    flipped_columns,
    pick_columns,
)
from cryosegment.exchange.relion import read_relion_blocks


class EveryColumn:
    """Columns of coordinates as their STAR files have them; the file that was read last is kept."""

    def __init__(self) -> None:
        self._path: Optional[Path] = None
        self._columns: Dict[str, List[str]] = {}

    def of(self, coordinates: Coordinates, height: Optional[int] = None) -> Columns:
        """Columns of the particles, by name; of those from other formats, what is known of them.

        Parameters
        ----------
        coordinates
            Of the particles, y counted from the first row.
        height
            Rows of the micrograph, if their file counts y from the last one.

        Raises
        ------
        InputError
            If their file cannot be read, or has text where y is turned.
        """
        path = coordinates.file
        if path is None or path.suffix.lower() != STAR:
            return pick_columns(coordinates)
        if path != self._path:
            self._columns = dict(coordinate_block(path, read_relion_blocks(path)))
            self._path = path
        rows = (coordinates.rows - 1).tolist()
        own: Columns = {n: [values[row] for row in rows] for n, values in self._columns.items()}
        return own if height is None else flipped_columns(path, own, height)
