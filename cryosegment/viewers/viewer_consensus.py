# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a consensus: the page on how far the sets agree, and the coordinates."""

from __future__ import annotations

from typing import Any, Dict, List

from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View

from cryosegment.protocols import CryoSegmentProtConsensus
from cryosegment.viewers.results import ResultsViewer, Show, show_page


class CryoSegmentViewerConsensus(ResultsViewer):
    """The page on how far the sets agree, and the coordinates."""

    _label = "consensus"
    _environments = [DESKTOP_TKINTER]
    _targets = [CryoSegmentProtConsensus]

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Results")
        self._addState(form)
        form.addParam(
            "showReport",
            params.LabelParam,
            important=True,
            condition=str(bool(self._names())),
            label="How far the sets agree, in the browser",
            help="Shares in common of every two sets, particles by votes, and the numbers of each "
            "micrograph.",
        )
        self._addCoordinates(form)
        self._addCommon(form)

    def _views(self) -> Dict[str, Show]:
        return {"showReport": self._showReport}

    # --------------------------- the views ------------------------------------
    def _showReport(self, param: Any = None) -> List[View]:
        return show_page(self.protocol.getFolder()) if self._names() else self._showState()

    # --------------------------- UTILS functions -----------------------------
    def _names(self) -> List[str]:
        return list(self.protocol.getCounts())
