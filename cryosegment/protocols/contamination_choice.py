# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of a picking run in a form whose contamination masks are used."""

from __future__ import annotations

import os
from typing import List

from pwem.protocols import EMProtocol
from pyworkflow.protocol import params


class ContaminationChoice(EMProtocol):
    """Form field of the run that has found contamination, and its folder of masks."""

    _label = None

    def _defineContaminationParam(self, form: params.Form, use: str) -> None:
        """Add the field, with what is done with its contamination."""
        form.addParam(
            "inputContamination",
            params.PointerParam,
            pointerClass="CryoSegmentProtPick",
            label="Contamination found by",
            help=f"A run of *particle picking* that has written masks. {use}",
            allowsNull=True,
        )

    def _contaminationFolder(self) -> str:
        """Folder of the masks; empty where no run is chosen."""
        picking = self.inputContamination.get()
        return str(picking.getContaminationFolder()) if picking else ""

    def _contaminationErrors(self) -> List[str]:
        folder = self._contaminationFolder()
        if not folder or os.path.isdir(folder):
            return []
        return [
            f"{self.inputContamination.get().getRunName()} has written no masks of contamination: "
            "run it with *Masks of the particles? Yes*, or leave *Contamination found by* empty."
        ]
