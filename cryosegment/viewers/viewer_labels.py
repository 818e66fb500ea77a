# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels on their micrographs, made or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from pwem.viewers import EmPlotter, TableView
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.exchange.csv_rows import read_table
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import REJECTED_NAME, REPORT_NAME, read_labels_index
from cryosegment.exchange.wording import counted
from cryosegment.protocols import CryoSegmentProtLabels, CryoSegmentProtSimulate
from cryosegment.viewers.plots import draw_picture
from cryosegment.viewers.results import ResultsViewer, Show
from cryosegment.viewers.windows import content_view, read_image
from cryosegment.window.labels import LabelsDisplay

MOST_ROWS = 1000  # of a table on the screen
TABLE_HEIGHT, COLUMN_PADDING = 25, 45  # rows, px: the header is bold
TABLES = {
    "showMicrographs": (REPORT_NAME, "Particles by micrograph"),
    "showRejected": (REJECTED_NAME, "Particles without a label"),
}
"""File of the labels folder and title of the table, by form field."""


class CryoSegmentViewerLabels(ResultsViewer):
    """The window with the labels, and tables of labelled and rejected particles."""

    _label = "labels"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtLabels, CryoSegmentProtSimulate]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        self._addWindow(
            form,
            "showLabels",
            "Labels on the micrographs",
            "A window with all micrographs: a colour for every particle, its centre a dot; "
            "contamination and unknown area, which training leaves out; crosses: particles "
            "without a label.",
        )
        self._addCoordinates(form)
        for name, (file, title) in TABLES.items():
            form.addParam(
                name,
                params.LabelParam,
                condition=str(self._path(file).exists()),
                label=title,
            )
        form.addParam(
            "showQuality",
            params.LabelParam,
            condition=str(self._qualityFile().exists()),
            label="Quality of the labels",
            help="Contrast, coverage, agreement with a segmentation; all figures are in "
            "extra/quality.",
        )
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        tables = {name: self._showTable for name in TABLES}
        return {
            **tables,
            "showLabels": self._showLabels,
            "showQuality": self._showQuality,
        }

    # --------------------------- the views ------------------------------------
    def _showLabels(self, param: Any = None) -> List[View]:
        if not self._names():
            return self._showState()
        folder = Path(self.protocol.getLabelsFolder()).absolute()
        content = LabelsDisplay(folder, read_image).content(self.protocol.getRunName())
        return [content_view(self.getTkRoot(), content)]

    def _showTable(self, param: Any = None) -> List[View]:
        file, title = TABLES[param]
        rows = read_table(self._path(file))
        if not rows:
            return [self.infoMessage("There are none.", title)]
        filled = [name for name in rows[0] if any(row[name] not in ("", "0") for row in rows)]
        shown = [[row[name] for name in filled] for row in rows[:MOST_ROWS]]
        text = f"{counted(len(rows), 'row')} in {self._path(file)}"
        if len(rows) > MOST_ROWS:
            text += f", the first {MOST_ROWS}"
        height = min(TABLE_HEIGHT, len(shown))
        return [TableView(filled, shown, text, title, height=height, padding=COLUMN_PADDING)]

    def _showQuality(self, param: Any = None) -> List[View]:
        plotter = EmPlotter(windowTitle="Quality of the labels", figsize=(12, 8))
        draw_picture(plotter.getFigure().add_subplot(), str(self._qualityFile()))
        return [plotter]

    # --------------------------- UTILS functions -----------------------------
    def _qualityFile(self) -> Path:
        return Path(self.protocol.getQualityFolder()) / "quality.png"

    def _path(self, name: str) -> Path:
        return Path(self.protocol.getLabelsFolder()) / name

    def _names(self) -> List[str]:
        try:
            index = read_labels_index(self.protocol.getLabelsFolder())
        except InputError:  # none yet, or they are gone
            return []
        return [entry.name for entry in index.entries]
