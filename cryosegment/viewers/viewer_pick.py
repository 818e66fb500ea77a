# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of picking and re-picking: coordinates, scores, counts, masks."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from pwem.objects import Micrograph
from pwem.viewers import EmPlotter
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.convert import mic_name
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.protocols import CryoSegmentProtPick, CryoSegmentProtRepick
from cryosegment.protocols.messages import counted
from cryosegment.viewers.plots import (
    draw_counts,
    draw_mask,
    draw_micrograph,
    draw_picks,
    draw_scores,
)
from cryosegment.viewers.results import ResultsViewer, Show
from cryosegment.viewers.windows import WindowView, read_image, selection_of
from cryosegment.window.picks_window import PicksWindow, WindowAction
from cryosegment.window.selection import PickSelection
from cryosegment.window.window import Top


class CryoSegmentViewerPick(ResultsViewer):
    """Coordinates on the micrographs, scores, picks per micrograph and masks."""

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
        form.addParam(
            "threshold",
            params.FloatParam,
            default=self._ownThreshold(),
            label="Score threshold",
            help="For the three drawings below. All candidates are kept, so other thresholds can "
            "be tried here before the protocol is run with one.",
        )
        form.addParam("bins", params.IntParam, default=50, label="Histogram of the scores, bins")
        form.addParam("showCounts", params.LabelParam, label="Picks per micrograph")
        one = form.addGroup("One micrograph")
        self._addMicrograph(
            one, "Micrograph with its picks", "Circles have the diameter of the form."
        )
        one.addParam(
            "withMask",
            params.BooleanParam,
            default=True,
            condition=str(self._hasMasks()),
            label="Tint the masks?",
            help="Masks are those of the run: a lower threshold shows no more of them.",
        )
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        return {
            "showPicks": self._showPicks,
            "bins": self._showScores,
            "showCounts": self._showCounts,
            "micrograph": self._showMicrograph,
        }

    # --------------------------- the views ------------------------------------
    def _showPicks(self, param: Any = None) -> List[View]:
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

    def _showScores(self, param: Any = None) -> List[View]:
        records = [self.protocol.getCandidates(mic) for mic in self._micrographs()]
        scores = np.concatenate([record.scores for record in records]) if records else np.zeros(0)
        plotter = EmPlotter(windowTitle="Scores")
        axes = plotter.createSubPlot("", "score", "candidates")
        draw_scores(axes, scores, self.threshold.get(), self.bins.get())
        return [plotter]

    def _showCounts(self, param: Any = None) -> List[View]:
        is_own = self.threshold.get() == self._ownThreshold()
        known = self.protocol.getCounts() if is_own else {}
        counts = [
            known[mic_name(mic)] if mic_name(mic) in known else len(self._shown(mic))
            for mic in self._micrographs()
        ]
        if not counts:
            return self._showState()
        plotter = EmPlotter(windowTitle="Picks per micrograph")
        draw_counts(plotter.createSubPlot("", "micrograph", "picks"), counts)
        return [plotter]

    def _showMicrograph(self, param: Any = None) -> List[View]:
        name = self.getEnumText("micrograph")
        mic = next((own for own in self._micrographs() if mic_name(own) == name), None)
        if mic is None:
            return self._showState()
        picks = self._shown(mic)
        plotter = EmPlotter(windowTitle=mic_name(mic), figsize=(9, 8))
        title = f"{name}: {counted(len(picks), 'pick')}"
        axes = plotter.createSubPlot(title, "x (px)", "y (px)")
        draw_micrograph(axes, mic.getFileName())
        if self.withMask and self._hasMasks():
            rows = np.flatnonzero(self.protocol.getPicks(mic).scores >= self.threshold.get())
            columns, height = mic.getDim()[:2]
            draw_mask(axes, self.protocol.getMaskFile(mic), (height, columns), 1 + rows)
        diameter_px = self.protocol.getDiameter() / mic.getSamplingRate()
        circles = draw_picks(axes, picks, diameter_px)
        plotter.getFigure().colorbar(circles, ax=axes, label="score", shrink=0.8)
        return [plotter]

    # --------------------------- UTILS functions -----------------------------
    def _micrographs(self) -> List[Micrograph]:
        return list(self.protocol.iterDone())

    def _names(self) -> List[str]:
        return [mic_name(mic) for mic in self._micrographs()]

    def _ownThreshold(self) -> float:
        """The threshold of the run, as the form shows it."""
        return round(self.protocol.getThreshold(), 3)

    def _shown(self, mic: Micrograph) -> Coordinates:
        candidates = self.protocol.getCandidates(mic)
        return candidates.select(candidates.scores >= self.threshold.get())
