# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle diameters by eye, or from the labels to train on."""

from __future__ import annotations

import tempfile
from typing import Any, Dict, Optional

import numpy as np
from pwem.objects import Micrograph, SetOfCoordinates, SetOfMicrographs
from pwem.protocols import EMProtocol
from pyworkflow.gui import dialog
from pyworkflow.object import PointerList
from pyworkflow.wizard import Wizard

from cryosegment.exchange.errors import InputError
from cryosegment.masks import labels_of_masks
from cryosegment.protocols import (
    CryoSegmentProtConsensus,
    CryoSegmentProtEvaluate,
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtScreenPicks,
    CryoSegmentProtTrain,
    CryoSegmentProtTrainScreening,
    CryoSegmentProtTune,
)
from cryosegment.wizards.diameter_dialog import Centers, DiameterDialog
from cryosegment.wizards.diameter_trial import DiameterTrial
from cryosegment.wizards.micrograph_dialog import listed_micrographs

TITLE = "Particle diameter"


def chosen_set(protocol: EMProtocol, name: str) -> Any:
    """The set that an input of the form points to; None where there is no such input or set.

    Of an input that takes several, it is the first.
    """
    pointer = getattr(protocol, name, None)
    if isinstance(pointer, PointerList):
        pointer = next(iter(pointer), None)
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


def estimate_params(protocol: EMProtocol, micrographs: SetOfMicrographs) -> Dict[str, Any]:
    """Parameters of the `diameter` job of a form: a picking's own model, elsewhere the general."""
    values = {"pixel_size": micrographs.getSamplingRate()}
    if isinstance(protocol, CryoSegmentProtPick) and not protocol._modelErrors():
        values["model"] = protocol._model()
    if not getattr(protocol, "useGpu", False):
        values["gpu"] = "cpu"
    return values


class CryoSegmentWizardDiameter(Wizard):
    """Circles over a micrograph, at the coordinates where there are any."""

    _targets = [
        (protocol, ["diameter"])
        for protocol in (
            CryoSegmentProtPick,
            CryoSegmentProtLabels,
            CryoSegmentProtTrain,
            CryoSegmentProtTune,
            CryoSegmentProtTrainScreening,
            CryoSegmentProtConsensus,
            CryoSegmentProtEvaluate,
            CryoSegmentProtScreenPicks,
        )
    ]

    def show(self, form: Any, *params: Any) -> None:
        """Ask for the diameter; what the labels of a training say is taken at once."""
        protocol = form.protocol
        known = labelled_diameter(protocol)
        names = ("referenceCoordinates", "inputCoordinates")
        found = [chosen_set(protocol, name) for name in names]
        coordinates = next((each for each in found if each is not None), None)
        micrographs = chosen_set(protocol, "inputMicrographs")
        if coordinates is not None:
            micrographs = coordinates.getMicrographs()
        elif known is not None:
            form.setVar("diameter", round(known, 1))
            return
        if micrographs is None or not micrographs.getSize():
            dialog.showWarning(TITLE, "Choose micrographs or coordinates first.", form.root)
            return
        with tempfile.TemporaryDirectory(prefix="cryosegment_") as folder:
            values = estimate_params(protocol, micrographs)
            asked = DiameterDialog(
                form.root,
                listed_micrographs(micrographs),
                DiameterTrial(values, folder, protocol.inFormWords),
                protocol.diameter.get() or known,
                None if coordinates is None else centers_in(coordinates),
            )
        if asked.resultYes():
            form.setVar("diameter", round(asked.diameter, 1))
