# SPDX-License-Identifier: GPL-3.0-or-later
"""The CRF by its effect on a micrograph."""

from __future__ import annotations

import tempfile
from typing import Any

from pyworkflow.gui import dialog
from pyworkflow.wizard import Wizard

from cryosegment.exchange.params import PickParams
from cryosegment.protocols import CryoSegmentProtPick
from cryosegment.protocols.form_fields import field_choices
from cryosegment.wizards.crf_dialog import CrfDialog
from cryosegment.wizards.crf_preview import CrfChoice, CrfPreviews
from cryosegment.wizards.micrograph_dialog import listed_micrographs

TITLE = "CRF refinement"


class CryoSegmentWizardCrf(Wizard):
    """One micrograph of the input without CRF and with the one of the form."""

    _targets = [(CryoSegmentProtPick, ["crf", "crfSolver", "crfStrength"])]

    def show(self, form: Any, *params: Any) -> None:
        """Compare until one is selected, and set it in the form."""
        protocol = form.protocol
        micrographs = protocol.getInputMicrographs()
        if micrographs is None or not micrographs.getSize() or protocol.diameter.get() is None:
            text = "Choose micrographs and the particle diameter first."
            dialog.showWarning(TITLE, text, form.root)
            return
        errors = protocol._validate()
        if errors:
            dialog.showWarning(TITLE, "\n".join(errors), form.root)
            return
        choice = CrfChoice(
            protocol.getEnumText("crf"),
            protocol.getEnumText("crfSolver"),
            protocol.crfStrength.get(),
        )
        with tempfile.TemporaryDirectory(prefix="cryosegment_") as folder:
            values = protocol.getPreviewParams(folder)
            previews = CrfPreviews(values, folder, protocol.inFormWords)
            asked = CrfDialog(form.root, listed_micrographs(micrographs), previews, choice)
        if asked.resultYes():
            self._fill(form, asked.choice)

    @staticmethod
    def _fill(form: Any, choice: CrfChoice) -> None:
        form.setVar("crf", field_choices(PickParams, "crf").index(choice.crf))
        form.setVar("crfSolver", field_choices(PickParams, "crf_solver").index(choice.solver))
        form.setVar("crfStrength", round(choice.strength, 2))
