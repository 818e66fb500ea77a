# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks as the window shows them."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from cryosegment.window.colors import ScoreColors
from cryosegment.window.content import At, Column, Content, Marks
from cryosegment.window.selection import PickSelection

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

    Attributes
    ----------
    colors
        Of the scores.
    """

    def __init__(self, selection: PickSelection) -> None:
        self._selection, self.colors = selection, ScoreColors(np.empty(0))

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
        )

    def learn_colors(self) -> None:
        """Spread the colours over the scores of the picks that there are."""
        threshold = self._selection.threshold or 0.0
        scores = self._selection.scores()
        self.colors = ScoreColors(scores[scores >= threshold])

    def _cells(self, name: str) -> Tuple[Any, ...]:
        count, score = self._selection.figures(name)
        remarks = self._selection.summaries[name].remarks
        edited = (EDITED,) if name in self._selection.edits.names else ()
        return name, count, score, ", ".join((*edited, *remarks))

    def _marks(self, name: str) -> List[Marks]:
        picks = self._selection.picks(name)
        diameter_px = self._selection.before.diameter / picks.pixel_size
        return [Marks(picks.centers_yx, self.colors.of(picks.scores), diameter_px)]

    def _about(self, name: str) -> str:
        count, _ = self._selection.figures(name)
        return "" if count is None else f"{count:,} picks here"

    def _point(self, name: str, at: At) -> str:
        picks = self._selection.picks(name)
        reach = self._selection.before.diameter / picks.pixel_size / 2
        away = np.linalg.norm(picks.centers_yx - at, axis=1)
        if not len(away) or away.min() > reach:
            return ""
        row = int(away.argmin())
        size = _known(" of {:.0f} Å", picks.diameters[row])
        return f"pick{size}, " + (_known("score {:.3f}", picks.scores[row]) or "by hand")


def _known(text: str, value: float) -> str:
    return text.format(value) if np.isfinite(value) else ""
