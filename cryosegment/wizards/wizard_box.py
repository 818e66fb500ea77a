# SPDX-License-Identifier: GPL-3.0-or-later
"""Box size from the particle diameter."""

from __future__ import annotations

from typing import Any

from pyworkflow.gui import dialog
from pyworkflow.wizard import Wizard

from cryosegment.exchange.coordinates import box_side
from cryosegment.protocols import CryoSegmentProtPick

TITLE = "Box size"


class CryoSegmentWizardBox(Wizard):
    """The box that fits the particle, in pixels of the micrographs."""

    _targets = [(CryoSegmentProtPick, ["boxSize"])]

    def show(self, form: Any, *params: Any) -> None:
        """Fill in the side of the box."""
        micrographs, diameter = form.protocol.getInputMicrographs(), form.protocol.diameter.get()
        if micrographs is None or not diameter:
            text = "Choose micrographs and the particle diameter first."
            dialog.showWarning(TITLE, text, form.root)
            return
        form.setVar("boxSize", box_side(diameter, micrographs.getSamplingRate()))
