# SPDX-License-Identifier: GPL-3.0-or-later
"""Views that the results of all protocols with micrographs share."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any, Callable, Dict, List

from pwem.viewers import MODE, MODE_MD, ORDER, RENDER, VISIBLE, ZOOM
from pwem.viewers.viewer_base import EmProtocolViewer
from pwem.viewers.viewer_coordinates import CoordinateView
from pwem.viewers.viewers_data import RegistryViewerConfig
from pyworkflow.protocol import params
from pyworkflow.viewer import View

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.job import PAGE_NAME
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


def show_page(folder: PathLike) -> List[View]:
    """Show the page of an output folder in the browser."""
    webbrowser.open_new_tab(Path(folder, PAGE_NAME).absolute().as_uri())
    return []


class ResultsViewer(EmProtocolViewer):
    """Coordinates, masks, and the micrographs that failed."""

    # --------------------------- DEFINE param functions ----------------------
    def _addState(self, form: params.Form) -> None:
        """Show the state of the run if no micrograph can be shown."""
        form.addParam(
            "showState",
            params.LabelParam,
            important=True,
            condition=str(not self._names()),
            label="No micrograph is done yet",
            help="The eye shows what the summary of the run says.",
        )

    def _addWindow(self, form: params.Form, name: str, label: str, help: str) -> None:
        """What opens the window with the micrographs, where any can be shown."""
        form.addParam(
            name,
            params.LabelParam,
            important=True,
            condition=str(bool(self._names())),
            label=label,
            help=help,
        )

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

    # --------------------------- the views ------------------------------------
    def _views(self) -> Dict[str, Show]:
        """The views of a viewer besides the common ones, by the name of the field."""
        raise NotImplementedError

    def _getVisualizeDict(self) -> Dict[str, Show]:
        views = {
            "showState": self._showState,
            "showCoordinates": self._showCoordinates,
            "showMasks": self._showMasks,
            "showFailures": self._showFailures,
            **self._views(),
        }
        return {name: self._told(show) for name, show in views.items()}

    def _told(self, show: Show) -> Show:
        """The same view, with a message if a file cannot be read."""

        def shown(param: Any = None) -> List[View]:
            try:
                return show(param)
            except (CryoSegmentError, OSError, ValueError) as error:
                return [self.errorMessage(str(error), "Cannot be shown")]

        return shown

    def _showState(self, param: Any = None) -> List[View]:
        return [self.infoMessage("\n".join(self.protocol.summary()), "State of the run")]

    def _showCoordinates(self, param: Any = None) -> List[View]:
        return [CoordinateView(self.getTkRoot(), self.protocol.outputCoordinates, self.protocol)]

    def _showMasks(self, param: Any = None) -> List[View]:
        from pwem.viewers.mdviewer import MDViewer  # Qt, which a server may lack

        viewer = MDViewer(project=self.getProject(), protocol=self.protocol)
        return viewer._visualize(self.protocol.outputMasks)

    def _showFailures(self, param: Any = None) -> List[View]:
        lines = [f"{name}: {message}" for name, message in self.protocol.getFailures().items()]
        return [self.infoMessage("\n".join(lines), "Micrographs that failed")]

    # --------------------------- UTILS functions -----------------------------
    def _names(self) -> List[str]:
        """Names of the micrographs that can be shown."""
        raise NotImplementedError

    def _hasMasks(self) -> bool:
        return self.protocol.hasAttribute("outputMasks")
