# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the picking protocol: coordinates, scores, counts, masks."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from pwem.objects import Micrograph
from pwem.viewers import EmPlotter
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.convert import mic_name
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.protocols import CryoSegmentProtPick
from cryosegment.viewers.plots import (
    draw_counts,
    draw_mask,
    draw_micrograph,
    draw_picks,
    draw_scores,
)
from cryosegment.viewers.results import ResultsViewer, Show


class CryoSegmentViewerPick(ResultsViewer):
    """Coordinates on the micrographs, scores, picks per micrograph and masks."""

    _label = "picking results"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtPick]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addCoordinates(form)
        form.addParam(
            "threshold",
            params.FloatParam,
            default=self.protocol.getThreshold(),
            label="Score threshold",
            help="For the three drawings below. All candidates are kept, so other thresholds can "
            "be tried here before the protocol is run with one.",
        )
        form.addParam("bins", params.IntParam, default=50, label="Histogram of the scores, bins")
        form.addParam("showCounts", params.LabelParam, label="Picks per micrograph")
        one = form.addGroup("One micrograph")
        one.addParam(
            "micrograph",
            params.EnumParam,
            choices=[mic_name(mic) for mic in self._micrographs()],
            default=0,
            label="Micrograph with its picks",
        )
        one.addParam(
            "withMask",
            params.BooleanParam,
            default=True,
            condition=str(self._hasMasks()),
            label="Tint the masks?",
        )
        self._addCommon(form)

    def _getVisualizeDict(self) -> Dict[str, Show]:
        return {
            **self._commonViews(),
            "bins": self._showScores,
            "showCounts": self._showCounts,
            "micrograph": self._showMicrograph,
        }

    # --------------------------- the views ------------------------------------
    def _showScores(self, param: Any = None) -> List[View]:
        records = [self.protocol.getCandidates(mic) for mic in self._micrographs()]
        scores = np.concatenate([record.scores for record in records]) if records else np.zeros(0)
        plotter = EmPlotter(windowTitle="Scores")
        axes = plotter.createSubPlot("", "score", "candidates")
        draw_scores(axes, scores, self.threshold.get(), self.bins.get())
        return [plotter]

    def _showCounts(self, param: Any = None) -> List[View]:
        counts = [len(self._shown(mic)) for mic in self._micrographs()]
        if not counts:
            return [self.infoMessage("No micrograph is done yet.", "Picks per micrograph")]
        plotter = EmPlotter(windowTitle="Picks per micrograph")
        draw_counts(plotter.createSubPlot("", "micrograph", "picks"), counts)
        return [plotter]

    def _showMicrograph(self, param: Any = None) -> List[View]:
        micrographs = self._micrographs()
        if not micrographs:
            return [self.infoMessage("No micrograph is done yet.", "Picks")]
        mic = micrographs[self.micrograph.get()]
        picks = self._shown(mic)
        plotter = EmPlotter(windowTitle=mic_name(mic), figsize=(9, 8))
        axes = plotter.createSubPlot(f"{mic_name(mic)}: {len(picks)} picks", "x (px)", "y (px)")
        draw_micrograph(axes, mic.getFileName())
        if self.withMask and self._hasMasks():
            draw_mask(axes, self.protocol.getMaskFile(mic))
        diameter_px = self.protocol.diameter.get() / mic.getSamplingRate()
        circles = draw_picks(axes, picks, diameter_px)
        plotter.getFigure().colorbar(circles, ax=axes, label="score", shrink=0.8)
        return [plotter]

    # --------------------------- UTILS functions -----------------------------
    def _micrographs(self) -> List[Micrograph]:
        """Micrographs that are done."""
        return [mic for mic, _ in self.protocol.iterPicks()]

    def _shown(self, mic: Micrograph) -> Coordinates:
        candidates = self.protocol.getCandidates(mic)
        return candidates.select(candidates.scores >= self.threshold.get())
