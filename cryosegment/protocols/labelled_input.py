# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled micrographs as an input: masks of labels, coordinates, or both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

from pwem.objects import SetOfMicrographs
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.convert import has_pick_scores, scaled_coordinates
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import make_folder, micrograph_name
from cryosegment.exchange.labels import (
    LABELS_NAME,
    PICKED,
    PICKS,
    LabelsIndex,
    write_labels_index,
)
from cryosegment.exchange.params import LabelsCoordinatesParams
from cryosegment.exchange.wording import counted
from cryosegment.masks import labels_of_masks
from cryosegment.protocols.ctf_choice import CtfChoice
from cryosegment.protocols.form_fields import add_field
from cryosegment.protocols.labels_run import LabelsRun
from cryosegment.protocols.messages import PICKED_WARNING
from cryosegment.protocols.remembered import identity


class LabelledInput(LabelsRun, CtfChoice):
    """Form fields of labelled micrographs, and the labels folders that are made of them."""

    _label = None

    # --------------------------- DEFINE param functions ----------------------
    def _defineLabelsParams(self, form: params.Form, use: str, coordinates: str) -> None:
        """Add the labels, with what is done on them, and what the coordinates should be."""
        form.addParam(
            "inputMasks",
            params.MultiPointerParam,
            pointerClass="SetOfMicrographMasks",
            allowsNull=True,
            label="Labels",
            help="Masks of *label micrographs* or *simulate micrographs*, of one run or more. Of a "
            f"subset, its micrographs alone are {use}.",
        )
        group = form.addGroup("Labels from coordinates")
        group.addParam(
            "inputCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            allowsNull=True,
            label="Coordinates",
            help=f"{coordinates} Each is labelled as a disc.",
        )
        group.addParam(
            "inputMicrographs",
            params.PointerParam,
            pointerClass="SetOfMicrographs",
            allowsNull=True,
            expertLevel=params.LEVEL_ADVANCED,
            label="Micrographs",
            help="If empty, those of the coordinates.",
        )
        add_field(
            group,
            LabelsCoordinatesParams,
            "diameter",
            "Particle diameter",
            allowsPointers=True,
            allowsNull=True,
            help="Only needed for coordinates.",
        )

    # --------------------------- STEPS functions -----------------------------
    def _insertStepsFor(self, step: Callable[[str], None]) -> None:
        """Insert a step on the labels, before it that which makes them, and after it the output."""
        coordinates, signature = self._coordinatesSignature(), self._signature()
        if coordinates:
            self._insertFunctionStep(self.labelStep, coordinates, needsGPU=False)
        self._insertFunctionStep(step, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def labelStep(self, signature: str) -> None:
        """Make labels of the coordinates."""
        micrographs = self._micrographs()
        records = scaled_coordinates(self.inputCoordinates.get(), micrographs)
        self._labelCoordinates(records, micrographs, {"diameter": self.diameter.get()})

    def _labelsFolders(self) -> List[str]:
        """Folders of all labels, for a job."""
        made = [] if self.inputCoordinates.get() is None else [self.getLabelsFolder()]
        return self._writeMaskLabels() + made

    def _writeMaskLabels(self) -> List[str]:
        """Labels folders of the chosen masks alone, which name the files of their runs."""
        root = Path(self._getExtraPath("masks"))
        cleanPath(str(root))
        written = []
        for number, index in enumerate(self._maskLabels().values(), start=1):
            write_labels_index(make_folder(root / str(number)), index)
            written.append(str(root / str(number)))
        return written

    # --------------------------- INFO functions ------------------------------
    def _labelErrors(self) -> List[str]:
        """What is wrong with the labels, the coordinates, or the CTFs of their micrographs."""
        if not self.inputMasks and self.inputCoordinates.get() is None:
            return ["Choose labels, or coordinates."]
        if self.inputCoordinates.get() is not None:
            errors = self._nameErrors(self._micrographs()) or self._diameterErrors()
            if errors:
                return errors
        sets = [pointer.get() for pointer in self.inputMasks]
        if any(masks is None or not masks.getSize() for masks in sets):
            return ["A set of masks is empty: choose another, or take it out of *Labels*."]
        try:
            self._maskLabels()
        except CryoSegmentError as error:
            return [str(error)]
        return self._ctfErrors()

    def _diameterErrors(self) -> List[str]:
        if self.diameter.get() is None:
            return ["Give the *Particle diameter* of the coordinates."]
        try:
            LabelsCoordinatesParams(coordinates="file", diameter=self.diameter.get())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _ctfErrors(self) -> List[str]:
        errors = super()._ctfErrors()
        if errors or not self._needsCtfs():
            return errors
        missing = self._withoutCtf(self._labelledNames())
        if missing:
            count = counted(len(missing), "labelled micrograph")
            return [f"{count} without a CTF, such as {missing[0]}: estimate all of them."]
        return []

    def _pickedWarnings(self) -> List[str]:
        """A warning where the labels are picks that nobody has checked."""
        is_picked = has_pick_scores(self.inputCoordinates.get())
        return [PICKED_WARNING] if is_picked or self._sources() & {PICKED, PICKS} else []

    # --------------------------- UTILS functions -----------------------------
    def _micrographs(self) -> SetOfMicrographs:
        return self.inputMicrographs.get() or self.inputCoordinates.get().getMicrographs()

    def _labelledNames(self) -> Set[str]:
        """Micrographs with labels; of coordinates, those whose name they know."""
        indices = self._maskLabels().values()
        names = {entry.name for index in indices for entry in index.entries}
        if self.inputCoordinates.get() is not None:
            known = self.inputCoordinates.get().getUniqueValues("_micName")
            names |= {micrograph_name(name) for name in known if name}
        return names

    def _coordinatesSignature(self) -> str:
        """All that the labels of coordinates depend on; empty without coordinates."""
        if self.inputCoordinates.get() is None:
            return ""
        inputs = [identity(self.inputCoordinates), identity(self.inputMicrographs)]
        return json.dumps([self.diameter.get(), *inputs])

    def _labelsSignature(self) -> List[Any]:
        """All that the labels depend on."""
        masks = []
        for folder, index in self._maskLabels().items():
            made = (Path(folder) / LABELS_NAME).stat().st_mtime_ns
            masks.append([folder, made, [entry.name for entry in index.entries]])
        return [masks, self._coordinatesSignature(), self._ctfIdentity()]

    def _sources(self) -> Set[str]:
        """Where the labels of the chosen masks come from."""
        return {index.source for index in self._maskLabels().values()}

    def _maskLabels(self) -> Dict[str, LabelsIndex]:
        """Labels of the chosen masks, by the folder that they are in."""
        return labels_of_masks(pointer.get() for pointer in self.inputMasks)
