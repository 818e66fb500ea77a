# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of picking and re-picking: the picks window, counts, masks."""

from __future__ import annotations

from typing import Any, Dict, List

from pwem.viewers import EmPlotter
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.convert import mic_name
from cryosegment.protocols import CryoSegmentProtPick, CryoSegmentProtRepick
from cryosegment.protocols.messages import counted
from cryosegment.viewers.plots import (
    draw_counts,
)
from cryosegment.viewers.results import ResultsViewer, Show
from cryosegment.viewers.windows import WindowView, read_image, selection_of
from cryosegment.window.actions import WindowAction
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.selection import PickSelection
from cryosegment.window.window import Top


class CryoSegmentViewerPick(ResultsViewer):
    """The picks window, picks per micrograph and masks."""

    _label = "picking results"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtPick, CryoSegmentProtRepick]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        form.addParam(
            "showPicks",
            params.LabelParam,
            important=True,
            condition=str(bool(self._names())),
            label="Picks, to look at and to select",
            help="Opens the picks window: all micrographs, the picks by score, and a threshold, "
            "distance and sizes to try on all of them at once. Picks are added and removed by "
            "hand there, and registered as new coordinates.",
        )
        self._addCoordinates(form)
        form.addParam("showCounts", params.LabelParam, label="Picks per micrograph")
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        return {
            "showPicks": self._showPicks,
            "showCounts": self._showCounts,
        }

    # --------------------------- the views ------------------------------------
    def _showPicks(self, param: Any = None) -> List[View]:
        if not self._names():
            return self._showState()
        selection, title = selection_of(self.protocol), self.protocol.getRunName()
        actions = [WindowAction("Register as new coordinates", self._register)]

        def make(top: Top) -> PicksWindow:
            return PicksWindow(top, title, selection, read_image, actions)

        return [WindowView(self.getTkRoot(), make)]

    def _register(self, selection: PickSelection) -> str:
        picks = {name: selection.picks(name) for name in selection.files}
        name = self.protocol.registerPicks(picks, selection.in_words())
        count = counted(sum(map(len, picks.values())), "pick")
        return f"{count} registered as {name}."

    def _showCounts(self, param: Any = None) -> List[View]:
        counts = self.protocol.getCounts()
        done = [counts[name] for name in self._names() if name in counts]
        if not done:
            return self._showState()
        plotter = EmPlotter(windowTitle="Picks per micrograph")
        draw_counts(plotter.createSubPlot("", "micrograph", "picks"), done)
        return [plotter]

    # --------------------------- UTILS functions -----------------------------
    def _names(self) -> List[str]:
        return [mic_name(mic) for mic in self.protocol.iterDone()]
