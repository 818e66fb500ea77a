# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of all protocols with micrographs have in common."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from pwem.viewers import MODE, MODE_MD, ORDER, RENDER, VISIBLE, ZOOM
from pwem.viewers.viewer_base import EmProtocolViewer
from pwem.viewers.viewer_coordinates import CoordinateView
from pwem.viewers.viewers_data import RegistryViewerConfig
from pyworkflow.protocol import params
from pyworkflow.viewer import View

from cryosegment.objects import SetOfMicrographMasks

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


class ResultsViewer(EmProtocolViewer):
    """Coordinates, masks, and the micrographs that failed."""

    def _addCoordinates(self, form: params.Form) -> None:
        form.addParam(
            "showCoordinates",
            params.LabelParam,
            condition=str(self.protocol.hasAttribute("outputCoordinates")),
            label="Coordinates on the micrographs",
            help="Opens Scipion's coordinate viewer: add and remove picks by hand there, and "
            "register them as a new set.",
        )

    def _addCommon(self, form: params.Form) -> None:
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

    def _commonViews(self) -> Dict[str, Show]:
        return {
            "showCoordinates": self._showCoordinates,
            "showMasks": self._showMasks,
            "showFailures": self._showFailures,
        }

    def _showCoordinates(self, param: Any = None) -> List[View]:
        return [CoordinateView(self.getTkRoot(), self.protocol.outputCoordinates, self.protocol)]

    def _showMasks(self, param: Any = None) -> List[View]:
        from pwem.viewers.mdviewer import MDViewer  # Qt, which a server may lack

        viewer = MDViewer(project=self.getProject(), protocol=self.protocol)
        return viewer._visualize(self.protocol.outputMasks)

    def _showFailures(self, param: Any = None) -> List[View]:
        lines = [f"{name}: {message}" for name, message in self.protocol.getFailures().items()]
        return [self.infoMessage("\n".join(lines), "Micrographs that failed")]

    def _hasMasks(self) -> bool:
        return self.protocol.hasAttribute("outputMasks")
