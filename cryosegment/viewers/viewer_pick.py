# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of picking and re-picking: the picks window, a page, masks."""

from __future__ import annotations

from typing import Any, Dict, List

from pyworkflow.object import Pointer
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.convert import mic_name
from cryosegment.exchange.wording import counted
from cryosegment.protocols import CryoSegmentProtPick, CryoSegmentProtRepick
from cryosegment.protocols.messages import run_names
from cryosegment.viewers.results import ResultsViewer, Show, show_page
from cryosegment.viewers.waiting import PageProgress
from cryosegment.viewers.windows import WindowView, read_image, selection_of
from cryosegment.window.actions import WindowAction
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.selection import PickSelection
from cryosegment.window.window import Top


class CryoSegmentViewerPick(ResultsViewer):
    """The picks window, a page on what the picks look like, and masks."""

    _label = "picking results"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtPick, CryoSegmentProtRepick]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        self._addWindow(
            form,
            "showPicks",
            "Picks, to look at and to select",
            "Opens the picks window: all micrographs, the picks by score, and a threshold, "
            "distance and sizes to try on all of them at once. Picks are added and removed by "
            "hand there, and registered as new coordinates.",
        )
        self._addCoordinates(form)
        form.addParam(
            "showReport",
            params.LabelParam,
            condition=str(bool(self._names())),
            label="What the picks look like, in the browser",
            help="A page with picks per micrograph, scores and their drift, distances, mean images "
            "and flagged micrographs, made anew each time; also while the run goes on.",
        )
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        return {
            "showPicks": self._showPicks,
            "showReport": self._showReport,
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

    def _showReport(self, param: Any = None) -> List[View]:
        if not self._names():
            return self._showState()
        words, folder = self._reportWords(), self._reportFolder()
        log = self.protocol._getExtraPath("report.log")

        def make(top: Top) -> PageProgress:
            return PageProgress(top, words, log, lambda: show_page(folder))

        return [WindowView(self.getTkRoot(), make)]

    # --------------------------- UTILS functions -----------------------------
    def _names(self) -> List[str]:
        return [mic_name(mic) for mic in self.protocol.iterDone()]

    def _reportFolder(self) -> str:
        return str(self.protocol._getExtraPath("report"))

    def _reportWords(self) -> List[str]:
        """The command that makes the page on what is picked so far."""
        (name,) = run_names([Pointer(self.protocol)])
        picks = str(self.protocol._getExtraPath())
        return ["report", picks, "--names", name, "--output", self._reportFolder()]
