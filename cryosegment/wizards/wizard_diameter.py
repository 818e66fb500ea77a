# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle diameters by eye, or from the labels to train on."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from pwem.objects import Micrograph, SetOfCoordinates
from pwem.protocols import EMProtocol
from pyworkflow.gui import dialog
from pyworkflow.wizard import Wizard

from cryosegment.exchange.errors import InputError
from cryosegment.masks import labels_of_masks
from cryosegment.protocols import (
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtTrain,
)
from cryosegment.wizards.diameter_dialog import Centers, DiameterDialog
from cryosegment.wizards.micrograph_dialog import listed_micrographs

TITLE = "Particle diameter"


def chosen_set(protocol: EMProtocol, name: str) -> Any:
    """The set that an input of the form points to; None where there is no such input or set."""
    pointer = getattr(protocol, name, None)
    return None if pointer is None else pointer.get()


def labelled_diameter(protocol: EMProtocol) -> Optional[float]:
    """Median diameter of the labels that a training takes, Å; None where it takes none."""
    sets = [pointer.get() for pointer in getattr(protocol, "inputMasks", ())]
    try:
        indices = labels_of_masks(masks for masks in sets if masks is not None)
    except InputError:
        return None
    entries = [entry for index in indices.values() for entry in index.entries]
    return float(np.median([entry.diameter for entry in entries])) if entries else None


def centers_in(coordinates: SetOfCoordinates) -> Centers:
    """Function that gives a micrograph's coordinates."""

    def centers(micrograph: Micrograph) -> np.ndarray:
        found = [(c.getY(), c.getX()) for c in coordinates.iterCoordinates(micrograph)]
        return np.array(found, float).reshape(-1, 2)

    return centers


class CryoSegmentWizardDiameter(Wizard):
    """Circles over a micrograph, at the coordinates where there are any."""

    _targets = [
        (protocol, ["diameter"])
        for protocol in (CryoSegmentProtPick, CryoSegmentProtLabels, CryoSegmentProtTrain)
    ]

    def show(self, form: Any, *params: Any) -> None:
        """Ask for the diameter; what the labels of a training say is taken at once."""
        protocol = form.protocol
        known = labelled_diameter(protocol)
        coordinates = chosen_set(protocol, "inputCoordinates")
        micrographs = chosen_set(protocol, "inputMicrographs")
        if coordinates is not None:
            micrographs = coordinates.getMicrographs()
        elif known is not None:
            form.setVar("diameter", round(known, 1))
            return
        if micrographs is None or not micrographs.getSize():
            dialog.showWarning(TITLE, "Choose micrographs or coordinates first.", form.root)
            return
        asked = DiameterDialog(
            form.root,
            listed_micrographs(micrographs),
            protocol.diameter.get() or known,
            None if coordinates is None else centers_in(coordinates),
        )
        if asked.resultYes():
            form.setVar("diameter", round(asked.diameter, 1))
