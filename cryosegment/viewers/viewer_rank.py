# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranked particles: histograms with a threshold to move, images, averages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from pwem.viewers import EmPlotter
from pwem.viewers.viewer_base import EmProtocolViewer
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.particles.ranked import (
    AVERAGES_NAME,
    GALLERY_NAME,
    GROUPS_NAME,
    SCORES_NAME,
)
from cryosegment.exchange.particles.scores import QUALITY, SCORES, Selection, select
from cryosegment.protocols import CryoSegmentProtRankParticles
from cryosegment.viewers.plots import draw_picture
from cryosegment.viewers.results import show_page
from cryosegment.viewers.threshold_window import ThresholdWindow

PICTURES = {
    "showGallery": (GALLERY_NAME, "Best, borderline and worst particles", (13, 5)),
    "showAverages": (AVERAGES_NAME, "Averages of kept and dropped particles", (7, 4)),
    "showGroups": (GROUPS_NAME, "By micrograph and by defocus", (11, 4)),
}
"""File, title and size in inches of a picture of the report, by form field."""
MIDDLE = 0.5
"""Part of the particles that a score keeps that the run was not selected by."""


class CryoSegmentViewerRank(EmProtocolViewer):
    """Scores of particles and what other thresholds keep; the pictures of the report."""

    _label = "ranked particles"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtRankParticles]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        form.addParam(
            "showState",
            params.LabelParam,
            important=True,
            condition=str(not self._file(SCORES_NAME).exists()),
            label="No particle is scored yet",
            help="The eye shows what the summary of the run says.",
        )
        is_ranked = str(self._file(SCORES_NAME).exists())
        form.addParam(
            "score",
            params.EnumParam,
            choices=list(SCORES),
            default=self._ownScore(),
            condition=is_ranked,
            label="Histogram of a score",
            help="With a threshold to move, and a button that registers what it keeps as a "
            "further output of the run.\n"
            + "\n".join(f"*{name}*: {score.meaning}." for name, score in SCORES.items()),
        )
        for name, (file, title, _) in PICTURES.items():
            is_there = str(self._file(file).exists())
            form.addParam(name, params.LabelParam, condition=is_there, label=title)
        form.addParam(
            "showReport",
            params.LabelParam,
            condition=str(self._file(PAGE_NAME).exists()),
            label="All in a page for the browser",
        )

    def _getVisualizeDict(self) -> Dict[str, Any]:
        pictures = {name: self._showPicture for name in PICTURES}
        return {
            **pictures,
            "showState": self._showState,
            "score": self._showScore,
            "showReport": self._showReport,
        }

    # --------------------------- the views ------------------------------------
    def _showState(self, param: Any = None) -> List[View]:
        return [self.infoMessage("\n".join(self.protocol.summary()), "State of the run")]

    def _showScore(self, param: Any = None) -> List[View]:
        score = self.getEnumText("score")
        try:
            scores = self.protocol.getScores()
            selection = self._selection(score, scores)
        except CryoSegmentError as error:
            return [self.errorMessage(str(error), "Cannot be shown")]
        plotter = EmPlotter(windowTitle=f"Particles by {score}", figsize=(9, 6))
        # the window lives as long as its widgets are referred to
        self._window = ThresholdWindow(
            plotter.getFigure(), scores, selection, self.protocol.registerSelection
        )
        return [plotter]

    def _selection(self, score: str, scores: Any) -> Selection:
        """The selection of the run where it is by this score, else half of the particles."""
        own = self.protocol.getSelection()
        return own if own.score == score else select(scores, score, fraction=MIDDLE)

    def _showPicture(self, param: Any = None) -> List[View]:
        file, title, size = PICTURES[param]
        plotter = EmPlotter(windowTitle=title, figsize=size)
        draw_picture(plotter.getFigure().add_subplot(), str(self._file(file)))
        return [plotter]

    def _showReport(self, param: Any = None) -> List[View]:
        return show_page(self.protocol.getFolder())

    # --------------------------- UTILS functions -----------------------------
    def _file(self, name: str) -> Path:
        return Path(self.protocol.getFolder()) / name

    def _ownScore(self) -> int:
        """Place of the score that the run was selected by."""
        try:
            chosen = self.protocol.getSelection().score
        except CryoSegmentError:
            chosen = QUALITY
        return list(SCORES).index(chosen)
