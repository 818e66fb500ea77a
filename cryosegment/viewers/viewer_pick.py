# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the picking protocol: coordinates, scores, counts, masks."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import numpy as np
from pwem.objects import Micrograph
from pwem.viewers import MODE, MODE_MD, ORDER, RENDER, VISIBLE, ZOOM, EmPlotter
from pwem.viewers.viewer_base import EmProtocolViewer
from pwem.viewers.viewer_coordinates import CoordinateView
from pwem.viewers.viewers_data import RegistryViewerConfig
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.convert import mic_name
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols import CryoSegmentProtPick
from cryosegment.viewers.plots import (
    draw_counts,
    draw_mask,
    draw_micrograph,
    draw_picks,
    draw_scores,
)

MASK_COLUMNS = "id enabled _filename _micName _particles _coverage"
RegistryViewerConfig.registerConfig(
    SetOfMicrographMasks,
    {
        ORDER: MASK_COLUMNS,
        VISIBLE: MASK_COLUMNS,
        RENDER: "_filename",
        MODE: MODE_MD,
        ZOOM: 50,
    },
)

Show = Callable[[Any], List[View]]


class CryoSegmentViewerPick(EmProtocolViewer):
    """Coordinates on the micrographs, scores, picks per micrograph and masks."""

    _label = "picking results"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtPick]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        form.addParam(
            "showCoordinates",
            params.LabelParam,
            label="Coordinates on the micrographs",
            help="Opens Scipion's coordinate viewer: add and remove picks by hand there, and "
            "register them as a new set.",
        )
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
        form.addParam(
            "showMasks",
            params.LabelParam,
            condition=str(self._hasMasks()),
            label="Masks of all micrographs",
        )
        form.addParam(
            "showFailures",
            params.LabelParam,
            condition=str(bool(self.protocol.getFailures())),
            label="Micrographs that failed",
        )

    def _getVisualizeDict(self) -> Dict[str, Show]:
        return {
            "showCoordinates": self._showCoordinates,
            "bins": self._showScores,
            "showCounts": self._showCounts,
            "micrograph": self._showMicrograph,
            "showMasks": self._showMasks,
            "showFailures": self._showFailures,
        }

    # --------------------------- the views ------------------------------------
    def _showCoordinates(self, param: Any = None) -> List[View]:
        if not self.protocol.hasAttribute("outputCoordinates"):
            return [self.infoMessage("There are no coordinates yet.", "Coordinates")]
        return [CoordinateView(self.getTkRoot(), self.protocol.outputCoordinates, self.protocol)]

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

    def _showMasks(self, param: Any = None) -> List[View]:
        from pwem.viewers.mdviewer import MDViewer  # Qt, which a server may lack

        viewer = MDViewer(project=self.getProject(), protocol=self.protocol)
        return viewer._visualize(self.protocol.outputMasks)

    def _showFailures(self, param: Any = None) -> List[View]:
        lines = [f"{name}: {message}" for name, message in self.protocol.getFailures().items()]
        return [self.infoMessage("\n".join(lines), "Micrographs that failed")]

    # --------------------------- UTILS functions -----------------------------
    def _hasMasks(self) -> bool:
        return self.protocol.hasAttribute("outputMasks")

    def _micrographs(self) -> List[Micrograph]:
        """Micrographs that are done."""
        return [mic for mic, _ in self.protocol.iterPicks()]

    def _shown(self, mic: Micrograph) -> Coordinates:
        candidates = self.protocol.getCandidates(mic)
        return candidates.select(candidates.scores >= self.threshold.get())
