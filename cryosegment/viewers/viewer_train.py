# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of a training, finished or running."""

from __future__ import annotations

from typing import Any, Dict, List

from pwem.viewers import EmPlotter
from pyworkflow.viewer import DESKTOP_TKINTER, View, Viewer

from cryosegment.exchange.training_history import Row, loss_terms
from cryosegment.protocols import CryoSegmentProtTrain
from cryosegment.viewers.plots import draw_history, draw_picture

INTERVAL = 5000  # ms between two looks at the history while the training runs
SIZES = {1: (10, 4), 2: (9, 7)}  # inches, by rows
EXAMPLES = "green: found, red: wrong, yellow: missed, blue: not labelled; particle map"


class CryoSegmentViewerTrain(Viewer):
    """Loss and F1 over the steps, and an example; while the training runs, they follow it.

    The F1 of the other trainings of the project is drawn beside it.
    """

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
        for each in axes:
            each.clear()
        loss_axes, score_axes, *example_axes = axes
        others = self._others(protocol)
        draw_history(loss_axes, score_axes, history, loss_terms(history), others)
        for each in example_axes:
            draw_picture(each, str(protocol.getExamplesFile()), EXAMPLES)

    def _others(self, protocol: CryoSegmentProtTrain) -> Dict[str, List[Row]]:
        """Rows of the validations of the project's other trainings, by their names."""
        runs = [run for run in protocol.getProject().getRuns() if self._is_other(run, protocol)]
        return {run.getRunName(): run.getHistory() for run in runs if run.getHistory()}

    def _is_other(self, run: Any, protocol: CryoSegmentProtTrain) -> bool:
        return isinstance(run, CryoSegmentProtTrain) and run.getObjId() != protocol.getObjId()

    def _follow(self, protocol: CryoSegmentProtTrain, plotter: EmPlotter, axes: List[Any]) -> None:
        canvas = plotter.getFigure().canvas
        self._timer = canvas.new_timer(interval=INTERVAL)

        def look() -> None:
            self._draw(protocol, axes)
            canvas.draw_idle()

        self._timer.add_callback(look)
        self._timer.start()
