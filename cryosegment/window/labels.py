# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as the window shows them: masks of the particles, their centres, and what was rejected."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

import numpy as np

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.csv_rows import read_table
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.labels import (
    REJECTED_NAME,
    REPORT_NAME,
    LabelEntry,
    read_labels_index,
)
from cryosegment.window.content import CROSS, DOT, At, Column, Content, Marks, Tint
from cryosegment.window.image import Read
from cryosegment.window.tints import (
    CLASS_COLORS,
    PARTICLE_COLORS,
    tint_of_classes,
    tint_of_particles,
)

COLUMNS = (
    Column("Micrograph"),
    Column("Particles", "d"),
    Column("Rejected", "d"),
    Column("Contrast", ".2f"),
)
CENTER_COLOR = "#f0e442"
PARTICLES, OTHERS = "particles", "contamination and unknown"
LARGEST_SIDE = 2048  # px of a tint: more is hardly seen


class LabelsDisplay:
    """What is seen of a labels folder.

    Parameters
    ----------
    folder
        Made by `labels` or `simulate`.
    read
        Reads image files.

    Raises
    ------
    InputError
        If it is no labels folder.
    """

    def __init__(self, folder: PathLike, read: Read) -> None:
        self._entries = {entry.name: entry for entry in read_labels_index(folder).entries}
        self._read = read
        self._report = _rows_by_micrograph(Path(folder, REPORT_NAME))
        self._rejected = _rows_by_micrograph(Path(folder, REJECTED_NAME))
        self._centers = lru_cache(maxsize=None)(self._centers_of)

    def content(self, title: str) -> Content:
        """It as the content of a window."""
        return Content(
            title,
            COLUMNS if self._report else COLUMNS[:2],
            list(self._entries),
            {name: str(entry.micrograph) for name, entry in self._entries.items()},
            {name: entry.pixel_size for name, entry in self._entries.items()},
            self._cells,
            self._marks,
            self._about,
            self._point,
            self._tints,
            PARTICLES,
        )

    def _cells(self, name: str) -> Tuple[Any, ...]:
        if not self._report:
            return name, len(self._centers(name))
        (row,) = self._report[name]
        rejected = len(self._rejected.get(name, ()))
        return name, int(row["labelled"]), rejected, float(row["contrast"] or "nan")

    def _centers_of(self, name: str) -> np.ndarray:
        """Centres of the labelled particles, (n, 2)."""
        entry = self._entries[name]
        found = read_coordinates(entry.coordinates, entry.pixel_size).values()
        return np.concatenate([np.empty((0, 2)), *(each.centers_yx for each in found)])

    def _marks(self, name: str) -> List[Marks]:
        centers, marks = self._centers(name), []
        marks.append(Marks(centers, [CENTER_COLOR] * len(centers), 0.0, DOT))
        for number, (reason, places) in enumerate(sorted(self._places(name).items())):
            color = PARTICLE_COLORS[number % len(PARTICLE_COLORS)]
            marks.append(Marks(places, [color] * len(places), 0.0, CROSS, reason))
        return marks

    def _places(self, name: str) -> Dict[str, np.ndarray]:
        """Centres `(n, 2)` of the particles without a label, by reason."""
        centers: Dict[str, List[Tuple[float, float]]] = {}
        for row in self._rejected.get(name, ()):
            if row["x"] != "nan":
                centers.setdefault(row["reason"], []).append((float(row["y"]), float(row["x"])))
        return {reason: np.array(found) for reason, found in centers.items()}

    def _about(self, name: str) -> str:
        return f"{len(self._centers(name)):,} particles here"

    def _point(self, name: str, at: At) -> str:
        entry = self._entries[name]
        reach = entry.diameter / entry.pixel_size / 4
        for row in self._rejected.get(name, ()):
            if np.hypot(float(row["y"]) - at[0], float(row["x"]) - at[1]) <= reach:
                return f"{row['reason']} {row['detail']}".strip()
        return ""

    def _tints(self, name: str) -> Dict[str, Callable[[], Tint]]:
        entry = self._entries[name]
        return {PARTICLES: partial(self._particles, entry), OTHERS: partial(self._others, entry)}

    def _particles(self, entry: LabelEntry) -> Tint:
        return tint_of_particles(_smaller(self._read(str(entry.instances))))

    def _others(self, entry: LabelEntry) -> Tint:
        return tint_of_classes(_smaller(self._read(str(entry.classes))), CLASS_COLORS)


def _rows_by_micrograph(path: Path) -> Mapping[str, List[Dict[str, str]]]:
    """Rows of a table by their micrograph; none where it is missing."""
    found: Dict[str, List[Dict[str, str]]] = {}
    for row in read_table(path) if path.exists() else []:
        found.setdefault(row["micrograph"], []).append(row)
    return found


def _smaller(labels: np.ndarray) -> np.ndarray:
    """Every so-manyth pixel of a label map, (h, w)."""
    image = np.squeeze(labels)
    step = -(-max(image.shape) // LARGEST_SIDE)
    return image[::step, ::step]
