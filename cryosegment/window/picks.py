# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks as the window shows them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from cryosegment.exchange.pick_folder import (
    CONTAMINATION,
    CONTAMINATION_MASKS,
    PROBABILITY,
    SEGMENTATIONS,
)
from cryosegment.exchange.segmentations import read_segmentation
from cryosegment.window.colors import ScoreColors
from cryosegment.window.content import At, Column, Content, Marks, Tint, nearest
from cryosegment.window.image import Read
from cryosegment.window.selection import PickSelection
from cryosegment.window.tints import (
    CONTAMINATION_COLOR,
    PROBABILITY_COLOR,
    tint_of_map,
    tint_of_particles,
)

COLUMNS = (
    Column("Micrograph"),
    Column("Picks", "d"),
    Column("Score", ".2f"),
    Column("Remarks"),
)
EDITED = "edited"


class PickDisplay:
    """What is seen of a selection of picks; circles have the diameter of the run.

    Parameters
    ----------
    selection
        The picks.
    read
        Reads image files.

    Attributes
    ----------
    colors
        Of the scores.
    """

    def __init__(self, selection: PickSelection, read: Read) -> None:
        self._selection, self._read = selection, read
        self.colors, self._has_learned = ScoreColors(np.empty(0)), False
        self._last: Tuple[Optional[Path], np.ndarray] = None, np.empty(0)

    def content(self, title: str) -> Content:
        """It as the content of a window."""
        selection = self._selection
        return Content(
            title,
            COLUMNS,
            list(selection.files),
            selection.files,
            {name: each.pixel_size for name, each in selection.summaries.items()},
            self._cells,
            self._marks,
            self._about,
            self._point,
            self._tints,
        )

    def learn_colors(self) -> None:
        """Spread the colours over the scores of the first picks; then they stay."""
        if not self._has_learned:
            threshold, scores = self._selection.threshold or 0.0, self._selection.scores()
            self.colors = ScoreColors(scores[scores >= threshold])
            self._has_learned = True

    def _cells(self, name: str) -> Tuple[Any, ...]:
        count, score = self._selection.figures(name)
        remarks = self._selection.summaries[name].remarks
        edited = (EDITED,) if name in self._selection.edits.names else ()
        return name, count, score, ", ".join((*edited, *remarks))

    def _marks(self, name: str) -> List[Marks]:
        picks = self._selection.shown(name)
        diameter_px = self._selection.before.diameter / picks.pixel_size
        return [Marks(picks.centers_yx, self.colors.of(picks.scores), diameter_px)]

    def _about(self, name: str) -> str:
        count, _ = self._selection.figures(name)
        return "" if count is None else f"{count:,} picks here"

    def _point(self, name: str, at: At) -> str:
        picks = self._selection.shown(name)
        reach = self._selection.before.diameter / picks.pixel_size / 2
        row = nearest(picks.centers_yx, at, reach)
        if row is None:
            return ""
        size = _known(" of {:.0f} Å", picks.diameters[row])
        return f"pick{size}, " + (_known("score {:.3f}", picks.scores[row]) or "by hand")

    # --------------------------- maps and masks --------------------------------
    def _tints(self, name: str) -> Dict[str, Callable[[], Tint]]:
        folder = self._selection.folder
        files = {
            kind: folder.file(kind, name)
            for kind in (SEGMENTATIONS, PROBABILITY, CONTAMINATION, CONTAMINATION_MASKS)
        }
        there = {kind: path for kind, path in files.items() if path.exists()}
        dirt = there.get(CONTAMINATION) or there.get(CONTAMINATION_MASKS)
        found: Dict[str, Callable[[], Tint]] = {}
        if SEGMENTATIONS in there:
            found["masks of the picks"] = partial(self._masks, name, there[SEGMENTATIONS])
        if PROBABILITY in there:
            found["probability"] = partial(self._map, there[PROBABILITY], PROBABILITY_COLOR)
        if dirt is not None:
            found["contamination"] = partial(self._map, dirt, CONTAMINATION_COLOR)
        return found

    def _masks(self, name: str, path: Path) -> Tint:
        labels = self._once(path, lambda path: read_segmentation(path).labels)
        return tint_of_particles(labels, self._selection.chosen(name))

    def _map(self, path: Path, color: str) -> Tint:
        return tint_of_map(self._once(path, lambda path: np.squeeze(self._read(str(path)))), color)

    def _once(self, path: Path, read: Callable[[Path], np.ndarray]) -> np.ndarray:
        """What a file holds; it is read again only after another one."""
        if self._last[0] != path:
            self._last = path, read(path)
        return self._last[1]


def _known(text: str, value: float) -> str:
    return text.format(value) if np.isfinite(value) else ""
