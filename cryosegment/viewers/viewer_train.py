# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of a training, finished or running."""

from __future__ import annotations

from typing import Any, List

from pwem.viewers import EmPlotter
from pyworkflow.viewer import DESKTOP_TKINTER, View, Viewer

from cryosegment.protocols import CryoSegmentProtTrain
from cryosegment.viewers.plots import draw_history

INTERVAL = 5000  # ms between two looks at the history while the training runs
NOT_TERMS = ("step", "seconds", "gradient", "score", "threshold")


class CryoSegmentViewerTrain(Viewer):
    """Loss and F1 over the steps; while the training runs, the drawing follows it."""

    _name = "training curves"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtTrain]

    def _visualize(self, obj: CryoSegmentProtTrain, **kwargs: Any) -> List[View]:
        if not obj.getHistory():
            return [self.infoMessage("There is no validation yet.", "Training")]
        plotter = EmPlotter(x=1, y=2, windowTitle="Training", figsize=(10, 4))
        axes = [plotter.createSubPlot("", "step", label) for label in ("loss", "F1")]
        self._draw(obj, *axes)
        if obj.isRunning():
            self._follow(obj, plotter, axes)
        return [plotter]

    def _draw(self, protocol: CryoSegmentProtTrain, loss_axes: Any, score_axes: Any) -> int:
        """Draw what there is; the number of validations."""
        history = protocol.getHistory()
        terms = dict.fromkeys(name for row in history for name in row if name not in NOT_TERMS)
        loss_axes.clear()
        score_axes.clear()
        draw_history(loss_axes, score_axes, history, list(terms))
        return len(history)

    def _follow(self, protocol: CryoSegmentProtTrain, plotter: EmPlotter, axes: List[Any]) -> None:
        canvas = plotter.getFigure().canvas
        self._timer = canvas.new_timer(interval=INTERVAL)

        def look() -> None:
            self._draw(protocol, *axes)
            canvas.draw_idle()

        self._timer.add_callback(look)
        self._timer.start()
