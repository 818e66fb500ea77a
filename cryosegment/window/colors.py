# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of scores, with most contrast where the scores of the picks lie."""

from __future__ import annotations

from typing import List

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

MAP, FIRST, LAST = "plasma", 0.3, 1.0  # what is bright enough on grey
STEPS = 32
PICKED_FROM = 0.25  # of the colours: those below are for what the run has not picked
BY_HAND = "#56b4e9"  # sky blue, which the map does not have
DROPPED = "#8c8c8c"


class ScoreColors:
    """A colour for each score: the scores of the picks of a run are spread over most colours.

    Parameters
    ----------
    scores
        Of picks, (n,), from which they learn; without any, all scores are spread evenly.
    """

    def __init__(self, scores: np.ndarray) -> None:
        places = np.linspace(FIRST, LAST, STEPS)
        self.names: List[str] = [to_hex(color) for color in colormaps[MAP](places)]
        known = scores[np.isfinite(scores)]
        if len(known) and known.max() > 0:
            marks = np.quantile(known, np.linspace(0, 1, STEPS))
        else:
            marks = np.linspace(0.25, 1, STEPS)
        self._scores = np.concatenate([[0.0], marks])
        self._places = np.concatenate([[0.0], np.linspace(PICKED_FROM, 1, STEPS)])

    def of(self, scores: np.ndarray) -> List[str]:
        """Colours of scores, (n,); scores that are NaN have that of picks by hand."""
        place = np.interp(np.nan_to_num(scores), self._scores, self._places)
        numbers = np.round(place * (STEPS - 1)).astype(int)
        return [
            self.names[number] if is_known else BY_HAND
            for number, is_known in zip(numbers.tolist(), np.isfinite(scores).tolist())
        ]
