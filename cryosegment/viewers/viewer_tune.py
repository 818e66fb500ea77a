# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tuning has found."""

from __future__ import annotations

from typing import Any, List

from pwem.viewers import EmPlotter
from pyworkflow.viewer import DESKTOP_TKINTER, View, Viewer

from cryosegment.protocols import CryoSegmentProtTune
from cryosegment.viewers.plots import draw_picture

SIZE = (11, 5)  # inches


class CryoSegmentViewerTune(Viewer):
    """Precision and recall by threshold before and after, and the summary of the run."""

    _name = "tuning"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtTune]

    def _visualize(self, obj: CryoSegmentProtTune, **kwargs: Any) -> List[View]:
        views: List[View] = [self.infoMessage("\n".join(obj.summary()), "Tuning")]
        if obj.getFigure().exists():
            plotter = EmPlotter(windowTitle="Tuning", figsize=SIZE)
            draw_picture(plotter.getFigure().add_subplot(), str(obj.getFigure()))
            views.insert(0, plotter)
        return views
