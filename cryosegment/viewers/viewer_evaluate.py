# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of an evaluation: its report, a table, curves, and the micrographs."""

from __future__ import annotations

import math
from typing import Any, Dict, List

from pwem.viewers import EmPlotter, TableView
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.exchange.evaluation import Evaluation, ParticleMetrics
from cryosegment.protocols import CryoSegmentProtEvaluate
from cryosegment.viewers.plots import draw_precision_recall
from cryosegment.viewers.results import ResultsViewer, Show, show_page
from cryosegment.viewers.windows import content_view, image_files
from cryosegment.window.evaluation import EvaluationDisplay

COLUMNS = (
    ("picks", "Picks"),
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("f1", "F1"),
    ("average_precision", "Average precision"),
    ("best_threshold", "Best threshold"),
    ("best_f1", "F1 there"),
    ("duplicates", "Duplicates"),
    ("center_error_median", "Centring (Å)"),
)
"""Figure and title of the columns of the table."""
PADDING = 45  # px: the header is bold


class CryoSegmentViewerEvaluate(ResultsViewer):
    """The report in a browser; hits and misses on the micrographs; a table and curves."""

    _label = "evaluation"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtEvaluate]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        for name, label, text in (
            ("showReport", "Report, in the browser", "All figures, curves and pictures, to keep."),
            (
                "showMicrographs",
                "Hits, misses and false picks on the micrographs",
                "A window with all micrographs of every set.",
            ),
            (
                "showSets",
                "Figures of all sets",
                "A best threshold is a score of its set.",
            ),
            ("showCurves", "Precision and recall", "The dot is at the best threshold of a set."),
        ):
            form.addParam(
                name,
                params.LabelParam,
                important=name == "showReport",
                condition=str(bool(self._names())),
                label=label,
                help=text,
            )

    def _views(self) -> Dict[str, Show]:
        views = {
            "showReport": self._showReport,
            "showMicrographs": self._showMicrographs,
            "showSets": self._showSets,
            "showCurves": self._showCurves,
        }
        return views if self._names() else dict.fromkeys(views, self._showState)

    # --------------------------- the views ------------------------------------
    def _showReport(self, param: Any = None) -> List[View]:
        return show_page(self.protocol.getFolder())

    def _showMicrographs(self, param: Any = None) -> List[View]:
        files = image_files(self.protocol.getMicrographs())
        content = EvaluationDisplay(self._evaluation(), files).content(self.protocol.getRunName())
        return [content_view(self.getTkRoot(), content)]

    def _showSets(self, param: Any = None) -> List[View]:
        rows = [[own.name, *cells(own.overall)] for own in self._evaluation().sets]
        head = ["Set", *(title for _, title in COLUMNS)]
        text = f"More is in {self.protocol.getFolder()}"
        title = "Figures of all sets"
        return [TableView(head, rows, text, title, height=len(rows), padding=PADDING)]

    def _showCurves(self, param: Any = None) -> List[View]:
        plotter = EmPlotter(windowTitle="Precision and recall", figsize=(7, 6))
        axes = plotter.createSubPlot("", "recall", "precision")
        draw_precision_recall(axes, self._evaluation().sets)
        return [plotter]

    # --------------------------- UTILS functions -----------------------------
    def _evaluation(self) -> Evaluation:
        return self.protocol.getEvaluation()

    def _names(self) -> List[str]:
        evaluation = self.protocol.getEvaluation()
        return [] if evaluation is None else [each.name for each in evaluation.sets[0].micrographs]


def cells(figures: ParticleMetrics) -> List[str]:
    """Cells of a table; empty where a figure could not be measured."""
    values = (getattr(figures, name) for name, _ in COLUMNS)
    return ["" if math.isnan(value) else f"{value:.4g}" for value in values]
