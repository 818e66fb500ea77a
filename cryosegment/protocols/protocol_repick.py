# SPDX-License-Identifier: GPL-3.0-or-later
"""Other picks from the candidates of a picking run."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from pwem.objects import SetOfCoordinates, SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Integer, Pointer
from pyworkflow.protocol import params

from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import PickParams, RepickParams
from cryosegment.exchange.parts import SAM
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.repicking import picking_job
from cryosegment.exchange.settings import PickSettings, pick_settings
from cryosegment.exchange.wording import counted
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, field_choices, form_values
from cryosegment.protocols.picked import Picked
from cryosegment.protocols.picking_form import OF_PARTICLE_MAPS, SELECTION, SIZE_CLASSES
from cryosegment.protocols.remembered import Remembered, identity


class CryoSegmentProtRepick(CoreRun, Remembered, Picked):
    """Select other picks from the candidates of a picking run.

    Picking keeps all candidates, down to low scores. From these, other picks are selected in
    seconds, with another threshold or a wished number, other sizes or larger distances. What is
    left empty is as in the picking run, whose outputs stay as they are.

    *Input*: a run of *particle picking*, which may have been stopped.

    *Outputs*: *outputCoordinates* with the scores of the candidates; *outputMasks*, when asked for
    and where the picking run has masks; *boxsize* in px; *outputCoordinatesSize1* and more, the
    picks of each size class, when asked for.
    """

    _label = "re-picking"
    _devStatus = BETA
    _possibleOutputs = {
        "outputCoordinates": SetOfCoordinates,
        "outputMasks": SetOfMicrographMasks,
        "boxsize": Integer,
    }

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "inputPicking",
            params.PointerParam,
            pointerClass="CryoSegmentProtPick",
            important=True,
            label="Picking run",
            help="A run of *particle picking*.",
        )
        form.addSection(label="Selection")
        add_field(form, RepickParams, "threshold", "Score threshold", allowsPointers=True)
        add_field(
            form, RepickParams, "precision", "Or precision", allowsNull=True, allowsPointers=True
        )
        add_field(
            form, RepickParams, "number", "Or number of picks", allowsNull=True, allowsPointers=True
        )
        for name, attribute, label in SELECTION:
            options = {"allowsNull": True, "allowsPointers": True}
            add_field(form, RepickParams, name, label, attribute, **options)
        expert = {"expertLevel": params.LEVEL_ADVANCED}
        add_field(form, RepickParams, "centers", "Centre finder", help=OF_PARTICLE_MAPS, **expert)
        with_sam = f"centers == {field_choices(RepickParams, 'centers').index(SAM)}"
        add_field(form, RepickParams, "sam", "SAM checkpoint", condition=with_sam, **expert)
        form.addSection(label="Contamination")
        add_field(form, RepickParams, "contaminated", "Picks on contamination")
        add_field(form, RepickParams, "filaments", "Picks on filaments")
        form.addSection(label="Output")
        add_field(form, RepickParams, *SIZE_CLASSES, allowsNull=True)
        add_field(form, RepickParams, "masks", "Masks of the particles?")

    # --------------------------- INSERT steps functions ----------------------
    def _insertAllSteps(self) -> None:
        self._insertFunctionStep(self.repickStep, self._signature(), needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, self._signature(), needsGPU=False)

    # --------------------------- STEPS functions -----------------------------
    def repickStep(self, signature: str) -> None:
        """Select the picks of all micrographs, as one job of the core."""
        source, folder = self._picking()._getExtraPath(), self._getExtraPath()
        job = Job("repick", self._repickParams(), (source,), folder)
        self._runCore(job, self._pickFolder().job)
        self._remember()

    def createOutputStep(self, signature: str) -> None:
        """Make the outputs of the picks.

        Raises
        ------
        RuntimeError
            If there is none.
        """
        micrographs = self.getInputMicrographsPointer()
        done = list(self.iterDone())
        coordinates = self._createSetOfCoordinates(micrographs)
        self._appendPicks(coordinates, done)
        if not coordinates.getSize():
            raise RuntimeError(
                f"no candidate in {counted(len(done), 'micrograph')} is a pick: lower the "
                "threshold, or allow other sizes"
            )
        self._defineOutputs(outputCoordinates=coordinates, boxsize=Integer(self._box()))
        self._defineSourceRelation(micrographs, coordinates)
        self._defineClasses(picking_job(self._getExtraPath()).params["size_classes"], micrographs)
        if self.masks:
            masks = SetOfMicrographMasks.create(self._getPath())
            masks.setMicrographs(micrographs)
            self._appendMasks(masks, done)
            self._defineOutputs(outputMasks=masks)
            self._defineSourceRelation(micrographs, masks)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        picking = self._picking()
        if picking is None:
            return []  # Scipion itself says that it is missing
        folder = picking._getExtraPath()
        if not PickFolder(folder).picking.exists():
            return [
                f"{picking.getRunName()} has picked nothing yet, or was made by an earlier "
                "version: run it, or *Continue* it, first."
            ]
        try:
            record = record_from_dict(RepickParams, self._repickParams())
            record.changed(record_from_dict(PickParams, picking_job(folder).params))
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputCoordinates"):
            return ["No particles yet."]
        count = counted(self.outputCoordinates.getSize(), "particle")
        where = counted(len(self.getSummaries()), "micrograph")
        return [
            f"*{count}* in {where}, of the candidates of {self._picking().getRunName()}.",
            f"Scores of at least {self.getThreshold():.2f}.",
            f"Box: {self._box()} px.",
        ]

    def _methods(self) -> List[str]:
        picking = self._picking()
        return picking._methods() if picking is not None else []

    def _citations(self) -> List[str]:
        picking = self._picking()
        return picking._citations() if picking is not None else []

    # --------------------------- UTILS functions -----------------------------
    def _picking(self) -> Any:
        """The picking run; None where none is chosen."""
        return self.inputPicking.get()

    def _repickParams(self) -> Dict[str, Any]:
        given = form_values(self, RepickParams).items()
        return {name: value for name, value in given if value is not None}

    def _signature(self) -> str:
        return json.dumps([self._repickParams(), *identity(self.inputPicking)], sort_keys=True)

    def getInputMicrographsPointer(self) -> Pointer:
        """Where the micrographs of the picking run are."""
        return self._picking().getInputMicrographsPointer()

    def getInputMicrographs(self) -> Optional[SetOfMicrographs]:
        """The micrographs of the picking run."""
        picking = self._picking()
        return picking.getInputMicrographs() if picking is not None else None

    def getDiameter(self) -> float:
        """Particle diameter, Å."""
        return float(self._picking().getDiameter())

    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph whose candidates could not be read, by its name."""
        return self._failuresIn(self._getExtraPath())

    def _box(self) -> int:
        return int(self._picking()._box())

    def _settings(self) -> Optional[PickSettings]:
        if not self._pickFolder().picking.exists():
            return None
        params = record_from_dict(PickParams, picking_job(self._getExtraPath()).params)
        return pick_settings(params, read_card(model_path(params.model)))
