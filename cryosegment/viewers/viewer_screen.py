# SPDX-License-Identifier: GPL-3.0-or-later
"""Screened picks: what is kept and what is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.exchange.screen_folder import ScreenFolder
from cryosegment.protocols import CryoSegmentProtScreenPicks
from cryosegment.viewers.results import ResultsViewer, Show
from cryosegment.viewers.windows import content_view, image_files
from cryosegment.window.content import Content
from cryosegment.window.screened import ScreenedDisplay


class CryoSegmentViewerScreen(ResultsViewer):
    """The window with the screened picks."""

    _label = "screened picks"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtScreenPicks]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        self._addWindow(
            form,
            "showPicks",
            "Screened picks on the micrographs",
            "A window with all micrographs: circles round the kept picks, coloured by their "
            "probability, and crosses on the dropped ones.",
        )
        self._addCoordinates(form)
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        return {"showPicks": self._showPicks}

    # --------------------------- the views ------------------------------------
    def _showPicks(self, param: Any = None) -> List[View]:
        if not self._names():
            return self._showState()
        return [content_view(self.getTkRoot(), self._content())]

    def _content(self) -> Content:
        """What the window shows."""
        micrographs = self.protocol.inputCoordinates.get().getMicrographs()
        folder = ScreenFolder(Path(self.protocol.getFolder()).absolute())
        lengths = self.protocol.diameter.get(), micrographs.getSamplingRate()
        display = ScreenedDisplay(folder, image_files(micrographs), *lengths)
        return display.content(self.protocol.getRunName())

    # --------------------------- UTILS functions -----------------------------
    def _names(self) -> List[str]:
        return list(ScreenFolder(self.protocol.getFolder()).counts())
