# SPDX-License-Identifier: GPL-3.0-or-later
"""Screened picks as the window shows them: those that are kept, and those that are dropped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Mapping, Tuple

import numpy as np

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.coordinates.reader import read_coordinates_of
from cryosegment.exchange.pick_folder import COORDINATES
from cryosegment.exchange.relion import PROBABILITY
from cryosegment.exchange.screen_folder import DROPPED, ScreenFolder
from cryosegment.exchange.screening import KINDS
from cryosegment.exchange.star import read_only_table
from cryosegment.window.colors import ScoreColors
from cryosegment.window.content import CROSS, At, Column, Content, Marks, nearest

COLUMNS = (
    Column("Micrograph"),
    Column("Picks", "d"),
    Column("Kept", "d"),
    Column("Dropped", "d"),
)
DROPPED_COLOR = "#ff8c42"
Found = Tuple[Coordinates, np.ndarray]
"""Picks, and the probability of each, (n,)."""


class ScreenedDisplay:
    """What is seen of screened picks.

    Parameters
    ----------
    folder
        Output folder of `screen apply`.
    files
        Image file of each micrograph, by name.
    diameter, pixel_size
        Of the particles, Å, and of the micrographs, Å/px.

    Raises
    ------
    InputError
        If its table of counts cannot be read.
    """

    def __init__(
        self, folder: ScreenFolder, files: Mapping[str, str], diameter: float, pixel_size: float
    ) -> None:
        self._folder, self._files = folder, files
        self._diameter, self._pixel_size = diameter, pixel_size
        self._counts = folder.counts()
        self._colors = ScoreColors(np.empty(0))
        self._read = lru_cache(maxsize=4)(self._found)

    def content(self, title: str) -> Content:
        """It as the content of a window."""
        return Content(
            title,
            COLUMNS,
            list(self._counts),
            {name: file for name, file in self._files.items() if name in self._counts},
            dict.fromkeys(self._counts, self._pixel_size),
            self._cells,
            self._marks,
            self._about,
            self._point,
        )

    def _cells(self, name: str) -> Tuple[Any, ...]:
        picks, kept = self._counts[name]["picks"], self._counts[name]["kept"]
        return name, picks, kept, picks - kept

    def _found(self, kind: str, name: str) -> Found:
        path = self._folder.file(kind, name)
        numbers, _ = read_only_table(path, (PROBABILITY,)).read(numbers=(PROBABILITY,))
        return read_coordinates_of(path, self._pixel_size, name), numbers[PROBABILITY]

    def _marks(self, name: str) -> List[Marks]:
        diameter_px = self._diameter / self._pixel_size
        kept, probabilities = self._read(COORDINATES, name)
        dropped, _ = self._read(DROPPED, name)
        colors = [DROPPED_COLOR] * len(dropped)
        return [
            Marks(kept.centers_yx, self._colors.of(probabilities), diameter_px),
            Marks(dropped.centers_yx, colors, diameter_px, CROSS, "dropped picks"),
        ]

    def _about(self, name: str) -> str:
        return "by their boxes: " + ", ".join(f"{self._counts[name][k]:,} {k}" for k in KINDS)

    def _point(self, name: str, at: At) -> str:
        reach = self._diameter / self._pixel_size / 2
        for kind, what in ((COORDINATES, "kept"), (DROPPED, "dropped")):
            picks, probabilities = self._read(kind, name)
            row = nearest(picks.centers_yx, at, reach)
            if row is not None:
                return f"{what}: probability {probabilities[row]:.3f}"
        return ""
