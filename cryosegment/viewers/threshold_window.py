# SPDX-License-Identifier: GPL-3.0-or-later
"""A histogram of scores whose threshold can be moved, and what it keeps registered."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import numpy as np
from matplotlib.widgets import Button, Slider

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.particles.scores import SCORES, Selection, select

BINS = 80
KEPT_COLOR, DROPPED_COLOR = "steelblue", "firebrick"
REGISTER = "Register the kept"
Register = Callable[[Selection], str]


class ThresholdWindow:
    """What a threshold keeps, on a matplotlib figure; the line follows the slider.

    Parameters
    ----------
    figure
        Empty figure of a window.
    scores
        Values of all particles by name.
    selection
        To begin with.
    register
        Makes an output of a selection, and gives its name.
    """

    def __init__(
        self,
        figure: Any,
        scores: Mapping[str, np.ndarray],
        selection: Selection,
        register: Register,
    ) -> None:
        self.selection, self._scores, self._register = selection, scores, register
        values = scores[selection.score]
        known = values[np.isfinite(values)]
        low, high = float(known.min()), float(known.max())
        high = high if high > low else low + 1
        self.axes = figure.add_axes((0.1, 0.3, 0.85, 0.6))
        self._counts, self._edges = np.histogram(known, BINS, (low, high))
        self._bars = self.axes.bar(
            self._edges[:-1], self._counts, np.diff(self._edges), align="edge"
        )
        self._line = self.axes.axvline(selection.threshold, color="black")
        self.axes.set_xlabel(SCORES[selection.score].meaning)
        self.axes.set_ylabel("particles")
        start = selection.threshold if np.isfinite(selection.threshold) else high
        place = figure.add_axes((0.2, 0.12, 0.5, 0.05))
        self.slider = Slider(place, "threshold", low, high, valinit=start)
        self.slider.on_changed(self._move)
        self.button = Button(figure.add_axes((0.8, 0.02, 0.15, 0.08)), REGISTER)
        self.button.label.set_fontsize(8)
        self.button.on_clicked(self._keep)
        self._said = figure.text(0.1, 0.04, "", fontsize=9)
        self._draw()

    def _move(self, threshold: float) -> None:
        self.selection = select(self._scores, self.selection.score, threshold=float(threshold))
        self._draw()

    def _draw(self) -> None:
        """Colour the bars by the side that they are on, and count."""
        threshold = self.selection.threshold
        middles = (self._edges[:-1] + self._edges[1:]) / 2
        is_rising = SCORES[self.selection.score].is_rising
        are_kept = middles >= threshold if is_rising else middles <= threshold
        for bar, is_kept in zip(self._bars, are_kept):
            bar.set_facecolor(KEPT_COLOR if is_kept else DROPPED_COLOR)
        self._line.set_xdata([threshold, threshold])
        kept, total = int(self.selection.chosen.sum()), int(self._counts.sum())
        self.axes.set_title(f"{kept} of {total} kept: {self.selection.in_words()}")
        self.axes.figure.canvas.draw_idle()

    def _keep(self, event: Any = None) -> None:
        try:
            self._said.set_text(f"Registered as {self._register(self.selection)}.")
        except CryoSegmentError as error:
            self._said.set_text(str(error))
        self.axes.figure.canvas.draw_idle()
