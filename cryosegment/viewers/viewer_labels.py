# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels on their micrographs, made or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from pwem.viewers import EmPlotter, TableView
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import read_table
from cryosegment.exchange.labels import REJECTED_NAME, REPORT_NAME, LabelEntry, read_labels_index
from cryosegment.protocols import CryoSegmentProtLabels, CryoSegmentProtSimulate
from cryosegment.protocols.messages import counted
from cryosegment.viewers.plots import (
    draw_classes,
    draw_mask,
    draw_micrograph,
    draw_picture,
    draw_points,
)
from cryosegment.viewers.results import ResultsViewer, Show

MOST_ROWS = 1000  # of a table on the screen
TABLE_HEIGHT, COLUMN_PADDING = 25, 45  # rows, px: the header is bold
TABLES = {
    "showMicrographs": (REPORT_NAME, "Particles by micrograph"),
    "showRejected": (REJECTED_NAME, "Particles without a label"),
}
"""File of the labels folder and title of the table, by form field."""


class CryoSegmentViewerLabels(ResultsViewer):
    """Label maps over the micrographs, and tables of labelled and rejected particles."""

    _label = "labels"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtLabels, CryoSegmentProtSimulate]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        self._addCoordinates(form)
        self._addMicrograph(
            form,
            "Micrograph with its labels",
            "A colour for every particle, its centre a dot; cyan: contamination, white: "
            "unknown, which training leaves out. Crosses: particles without a label.",
        )
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
            "micrograph": self._showMicrograph,
            "showQuality": self._showQuality,
        }

    # --------------------------- the views ------------------------------------
    def _showMicrograph(self, param: Any = None) -> List[View]:
        name = self.getEnumText("micrograph")
        entry = next((entry for entry in self._entries() if entry.name == name), None)
        if entry is None:
            return self._showState()
        found = read_coordinates(entry.coordinates, entry.pixel_size)
        centers = np.concatenate([each.centers_yx for each in found.values()] or [np.empty((0, 2))])
        plotter = EmPlotter(windowTitle=entry.name, figsize=(9, 8))
        title = f"{entry.name}: {counted(len(centers), 'particle')}"
        axes = plotter.createSubPlot(title, "x (px)", "y (px)")
        draw_micrograph(axes, str(entry.micrograph))
        draw_mask(axes, str(entry.instances), entry.shape)
        draw_classes(axes, str(entry.classes))
        draw_points(axes, centers, self._rejected(entry.name))
        return [plotter]

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
        return [entry.name for entry in self._entries()]

    def _entries(self) -> List[LabelEntry]:
        """The labels that are there; none where they cannot be read."""
        try:
            return list(read_labels_index(self.protocol.getLabelsFolder()).entries)
        except InputError:
            return []

    def _rejected(self, micrograph: str) -> Dict[str, np.ndarray]:
        """Centres `(n, 2)` of the micrograph's particles without a label, by reason."""
        path = self._path(REJECTED_NAME)
        centers: Dict[str, List[List[float]]] = {}
        for row in read_table(path) if path.exists() else []:
            if row["micrograph"] == micrograph and row["x"] != "nan":
                centers.setdefault(row["reason"], []).append([float(row["y"]), float(row["x"])])
        return {reason: np.array(found) for reason, found in centers.items()}
