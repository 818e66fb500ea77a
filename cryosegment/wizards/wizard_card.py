# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chosen model says of itself."""

from __future__ import annotations

from typing import Any

from pyworkflow.gui import dialog
from pyworkflow.wizard import Wizard

from cryosegment.convert import card_lines
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.model_files import model_path
from cryosegment.protocols import (
    CryoSegmentProtImportModel,
    CryoSegmentProtPick,
    CryoSegmentProtRankParticles,
    CryoSegmentProtScreenPicks,
    CryoSegmentProtTrain,
    CryoSegmentProtTrainParticles,
    CryoSegmentProtTrainScreening,
    CryoSegmentProtTune,
)

TITLE = "Model"


class CryoSegmentWizardCard(Wizard):
    """The card of the model that a form names."""

    _targets = [
        (CryoSegmentProtImportModel, ["modelPath"]),
        *(
            (protocol, ["modelSource", "inputModel"])
            for protocol in (
                CryoSegmentProtPick,
                CryoSegmentProtRankParticles,
                CryoSegmentProtTrain,
                CryoSegmentProtTrainParticles,
                CryoSegmentProtScreenPicks,
                CryoSegmentProtTrainScreening,
                CryoSegmentProtTune,
            )
        ),
    ]

    def show(self, form: Any, *params: Any) -> None:
        """Say what the model was trained on and how it picks."""
        protocol = form.protocol
        is_import = isinstance(protocol, CryoSegmentProtImportModel)
        errors = [] if is_import else protocol._modelErrors()
        name = protocol.modelPath.get("") if is_import else "" if errors else protocol._model()
        if not name:
            dialog.showWarning(TITLE, "\n".join(errors) or "There is no model yet.", form.root)
            return
        try:
            text = "\n".join(card_lines(read_card(model_path(name))))
        except CryoSegmentError as error:
            dialog.showWarning(TITLE, str(error), form.root)
            return
        dialog.showInfo(TITLE, text.replace("*", ""), form.root)
