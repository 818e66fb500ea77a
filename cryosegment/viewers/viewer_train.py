# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of a training, finished or running."""

from __future__ import annotations

from typing import Any, List

from pwem.viewers import EmPlotter
from pyworkflow.viewer import DESKTOP_TKINTER, View, Viewer

from cryosegment.protocols import CryoSegmentProtTrain
from cryosegment.viewers.plots import draw_history, draw_picture

INTERVAL = 5000  # ms between two looks at the history while the training runs
SIZES = {1: (10, 4), 2: (9, 7)}  # inches, by rows
EXAMPLES = "green: found, red: wrong, yellow: missed, blue: not labelled; particle map"
NOT_TERMS = ("step", "seconds", "gradient", "score", "threshold")


class CryoSegmentViewerTrain(Viewer):
    """Loss and F1 over the steps, and an example; while the training runs, both follow it."""

    _name = "training curves"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtTrain]

    def _visualize(self, obj: CryoSegmentProtTrain, **kwargs: Any) -> List[View]:
        if not obj.getHistory():
            return [self.infoMessage("There is no validation yet.", "Training")]
        has_examples = obj.getExamplesFile().exists()
        rows = 2 if has_examples else 1
        plotter = EmPlotter(windowTitle="Training", figsize=SIZES[rows])
        figure = plotter.getFigure()
        axes = [figure.add_subplot(rows, 2, number) for number in (1, 2)]
        if has_examples:
            axes.append(figure.add_subplot(rows, 1, 2))
        self._draw(obj, axes)
        if obj.isRunning():
            self._follow(obj, plotter, axes)
        return [plotter]

    def _draw(self, protocol: CryoSegmentProtTrain, axes: List[Any]) -> None:
        """Draw what there is."""
        history = protocol.getHistory()
        terms = dict.fromkeys(name for row in history for name in row if name not in NOT_TERMS)
        for each in axes:
            each.clear()
        loss_axes, score_axes, *example_axes = axes
        draw_history(loss_axes, score_axes, history, list(terms))
        for each in example_axes:
            draw_picture(each, str(protocol.getExamplesFile()), EXAMPLES)

    def _follow(self, protocol: CryoSegmentProtTrain, plotter: EmPlotter, axes: List[Any]) -> None:
        canvas = plotter.getFigure().canvas
        self._timer = canvas.new_timer(interval=INTERVAL)

        def look() -> None:
            self._draw(protocol, axes)
            canvas.draw_idle()

        self._timer.add_callback(look)
        self._timer.start()
