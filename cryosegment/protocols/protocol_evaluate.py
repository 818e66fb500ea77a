# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks and masks against a reference."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict, List, Optional

from pwem.objects import SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Float
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath, createAbsLink

from cryosegment.convert import Matching, mic_name, micrographs_by_name, scaled_coordinates
from cryosegment.core_files import core_file
from cryosegment.exchange.coordinates import Coordinates, write_coordinates_star
from cryosegment.exchange.errors import CryoSegmentError, InputError
from cryosegment.exchange.evaluation import (
    EVALUATION_NAME,
    Evaluation,
    SetEvaluation,
    read_evaluation,
)
from cryosegment.exchange.files import check_names, make_folder
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.wording import counted
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.evaluation_form import EvaluationForm
from cryosegment.protocols.messages import run_names
from cryosegment.protocols.remembered import Remembered, identity

FIGURES = {"bestThresholdSet": "best_threshold", "f1Set": "f1"}
"""Outputs of each set before its number, and the figures of all its micrographs that they have."""


class CryoSegmentProtEvaluate(CoreRun, Remembered, EvaluationForm):
    """Compare the picks of one or more pickers with a reference, such as picks by hand.

    A pick is correct if it lies within the tolerance of a particle of the reference that no other
    pick has. From this come precision (the part of the picks that are correct), recall (the part of
    the particles that are picked), F1 (their harmonic mean), and how all three follow the
    threshold.

    *Outputs*: for each set, by its number, *bestThresholdSet1*, the score threshold with the
    highest F1, and *f1Set1*, the F1 of all its picks. Point to the threshold in the form of
    *re-picking* or of another picking with the same model; it is one of that set's scores, and says
    nothing about those of another picker.

    *Analyze results* opens the report: curves, figures of each micrograph, and pictures of hits,
    misses and false picks.
    """

    _label = "evaluate picks"
    _devStatus = BETA
    _possibleOutputs = {f"{name}1": Float for name in FIGURES}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        self._defineInputParams(form)
        self._defineMaskParams(form)
        form.addParallelSection(threads=1, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = self._signature()
        self._insertFunctionStep(self.evaluateStep, signature, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def evaluateStep(self, signature: str) -> None:
        """Compare all sets with the reference, as one job of the core."""
        self._remember()
        cleanPath(self.getFolder(), *map(self._getExtraPath, ("sets", "masks", "micrographs")))
        pointers = [self.referenceCoordinates, *self.inputCoordinates]
        records = [scaled_coordinates(each.get(), self.getMicrographs()) for each in pointers]
        reference, *picks = [self._write(i, each) for i, each in enumerate(records)]
        values = {**self._jobValues(), "picks": picks, "reference": reference}
        values["micrographs"] = self._linkMicrographs(list(records[0]))
        if self.inputMasks:
            sets = [self.referenceMasks, *self.inputMasks]
            known, *masks = [self._linkMasks(i, each.get()) for i, each in enumerate(sets)]
            values.update(masks=masks, reference_masks=known)
        job = Job("evaluate", values, (), self.getFolder())
        self._runCore(job, Path(self.getFolder(), JOB_NAME))

    def _write(self, number: int, records: Dict[str, Coordinates]) -> str:
        """Write the coordinates of a set; number 0 is the reference."""
        path = self._getExtraPath("sets", f"{number or 'reference'}.star")
        write_coordinates_star(path, [(f"{name}.mrc", own) for name, own in records.items()])
        return str(path)

    def _linkMicrographs(self, names: List[str]) -> List[str]:
        """Files of micrographs that are called as these; the report tells which are unreadable."""
        folder, files = make_folder(self._getExtraPath("micrographs")), []
        known = micrographs_by_name(self.getMicrographs())
        for name in names:
            try:
                path = Path(core_file(known[name], str(folder)))
            except InputError:
                path = Path(known[name].getFileName())
            link = folder / f"{name}{path.suffix}"
            if link != path:
                createAbsLink(str(path), str(link))
            files.append(str(link))
        return files

    def _linkMasks(self, number: int, masks: SetOfMicrographMasks) -> str:
        """A folder of these masks alone, under the names of the reference's micrographs."""
        folder = make_folder(self._getExtraPath("masks", str(number or "reference")))
        matched = Matching(self.getMicrographs())
        for mask in masks:
            name = matched.name(mask.getMicName(), mask.getMicId())
            createAbsLink(mask.getFileName(), str(folder / f"{name}.mrc"))
        return str(folder)

    def createOutputStep(self, signature: str) -> None:
        """Register the best threshold and the F1 of each set; none where it cannot be measured."""
        for _, output in list(self.iterOutputAttributes()):
            self.deleteOutput(output)
        for number, own in enumerate(self.getEvaluation().sets, start=1):
            for name, figure in FIGURES.items():
                value = getattr(own.overall, figure)
                if math.isfinite(value):
                    output = Float(value, objLabel=own.name)
                    self._defineOutputs(**{f"{name}{number}": output})
                    self._defineSourceRelation(self.inputCoordinates[number - 1], output)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        is_missing = not len(self.inputCoordinates) or self.referenceCoordinates.get() is None
        if is_missing or self.diameter.get() is None:
            return []  # Scipion itself says that they are missing
        errors = self._maskErrors() + self._contaminationErrors()
        if errors:
            return errors
        try:
            files = {"picks": ["file"] * len(self.inputCoordinates), "reference": "file"}
            record_from_dict(EvaluateParams, {**self._jobValues(), **files})
            check_names(map(mic_name, self.getMicrographs()))
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        evaluation = self.getEvaluation()
        if evaluation is None:
            return ["No evaluation yet."]
        where = counted(len(evaluation.sets[0].micrographs), "micrograph")
        total = counted(evaluation.sets[0].overall.reference, "particle")
        lines = [f"{total} of the reference in {where}; a pick is right if {evaluation.rule}:"]
        for number, own in enumerate(evaluation.sets, start=1):
            lines += self._setLines(number, own)
        return lines

    def _setLines(self, number: int, own: SetEvaluation) -> List[str]:
        """The figures of a set, and what is to be known about it."""
        total = own.overall
        low, high = own.intervals.get("f1", (math.nan, math.nan))
        interval = f" (95 %: {low:.3f} to {high:.3f})" if math.isfinite(low) else ""
        lines = [
            f"*Set {number}, {own.name}*: F1 {total.f1:.3f}{interval}, precision "
            f"{total.precision:.3f}, recall {total.recall:.3f} of {counted(total.picks, 'pick')}."
        ]
        if math.isfinite(total.best_threshold):
            lines.append(
                f"Best threshold of set {number}: {total.best_threshold:.3g}, F1 "
                f"{total.best_f1:.3f}."
            )
        else:
            lines.append(f"Set {number} has no scores, and so no best threshold.")
        if own.masks is not None:
            lines.append(
                f"Masks of set {number}: outlines with F1 {own.masks.boundary_f1:.3f}, particles "
                f"with average precision {own.masks.mean_average_precision:.3f} at overlaps from "
                "0.5 to 0.95."
            )
        if own.unpicked:
            count = counted(len(own.unpicked), "micrograph")
            lines.append(f"Set {number} has no picks on {count}, such as {own.unpicked[0]}.")
        return lines

    def _methods(self) -> List[str]:
        evaluation = self.getEvaluation()
        if evaluation is None:
            return []
        sets = counted(len(evaluation.sets), "set")
        return [
            f"{sets} of picks were compared with a reference by CryoSegment; a pick counts as "
            f"correct if {evaluation.rule}."
        ]

    def _citations(self) -> List[str]:
        return []

    # --------------------------- UTILS functions -----------------------------
    def getFolder(self) -> str:
        """Folder of the evaluation and its report, relative to the project."""
        return str(self._getExtraPath("evaluation"))

    def getEvaluation(self) -> Optional[Evaluation]:
        """All figures; None where there are none yet.

        Raises
        ------
        InputError
            If their file cannot be read.
        """
        path = Path(self.getFolder(), EVALUATION_NAME)
        return read_evaluation(path) if path.exists() else None

    def getMicrographs(self) -> SetOfMicrographs:
        """The micrographs of the reference."""
        return self.referenceCoordinates.get().getMicrographs()

    def _jobValues(self) -> Dict[str, Any]:
        micrographs = self.getMicrographs()
        values = {**self._values(), "names": run_names(self.inputCoordinates)}
        values["pixel_size"] = micrographs.getSamplingRate()
        if values.get("margin"):
            width, height, _ = micrographs.getFirstItem().getDim()
            values.update(width=width, height=height)
        return values

    def _signature(self) -> str:
        """Everything that the figures depend on."""
        pointers = [*self.inputCoordinates, self.referenceCoordinates]
        pointers += [*self.inputMasks, self.referenceMasks, self.inputContamination]
        facts = [self._jobValues(), [identity(pointer) for pointer in pointers]]
        return json.dumps(facts, sort_keys=True)
