# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning of a model on labelled micrographs: how it picks, and its CRF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple, Type

from pyworkflow.constants import BETA
from pyworkflow.protocol import params

from cryosegment.convert import card_lines
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import read_text
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import are_outlined
from cryosegment.exchange.params import CrfTuneParams, Params, TuneParams
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.tuned_files import CRF_RESULT, PICKING_FIGURE, PICKING_RESULT
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.labelled_input import LabelledInput
from cryosegment.protocols.model_choice import MODEL_PROJECT
from cryosegment.protocols.trained_model import MadeModel

ADVANCED = {"expertLevel": params.LEVEL_ADVANCED}
CRF_FIELDS = (("trials", "trials", "CRFs to try"), ("seed", "seed", "Seed"))
PICKING_FIELDS = (
    ("centers", "centers", "Centre finders"),
    ("sam", "sam", "SAM checkpoint"),
    ("score", "score", "Maximised"),
    ("folds", "folds", "Folds"),
)
"""Parameter, form field and label of each search."""
DISCS_WARNING = (
    "The labels are discs, without the outlines of the particles: a CRF that is tuned on them "
    "makes masks rounder, not truer. Take labels of a reconstruction, or tune the picking alone."
)


class CryoSegmentProtTune(LabelledInput, MadeModel, GpuChoice):
    """Find the settings with which a model picks your particles best; nothing is trained.

    *Inputs*: a few micrographs, at least two, all of whose particles are labelled: coordinates
    picked by hand, or masks of *label micrographs* or *simulate micrographs*.

    *Output*: *outputModel*, the same network, whose card recommends what was found: the threshold,
    the smallest distance, the smallest and largest diameter, and the CRF if it is tuned. To pick
    so, choose it in *particle picking*, with *card* for the threshold. Where nothing is better than
    before, the model keeps its settings.

    The figures in the summary come from a cross-validation: each micrograph is picked with what was
    best on others.
    """

    _label = "tune model"
    _devStatus = BETA
    _possibleOutputs = {"outputModel": SegmentationModel}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        self._defineLabelsParams(
            form,
            "taken",
            "All particles of a few micrographs, picked or corrected by hand: what has no "
            "coordinate counts as a false pick.",
        )
        form.addSection(label="Model")
        self._defineModelParams(form)
        self._defineCtfParam(form, condition=f"modelSource == {MODEL_PROJECT}")
        self._defineNameParam(form, "tuned")
        form.addSection(label="Settings")
        for name, default, label, text in (
            ("tunePicking", True, "Tune the picking?", "Threshold, distance and sizes."),
            (
                "tuneCrf",
                False,
                "Tune the CRF?",
                "Which conditional random field gives the best masks; it is searched first. Needs "
                "labels with outlines, from a reconstruction or a simulation.",
            ),
        ):
            form.addParam(name, params.BooleanParam, default=default, label=label, help=text)
        for record, fields, is_chosen in (
            (TuneParams, PICKING_FIELDS, "tunePicking"),
            (CrfTuneParams, CRF_FIELDS, "tuneCrf"),
        ):
            for name, attribute, label in fields:
                add_field(form, record, name, label, attribute, condition=is_chosen, **ADVANCED)
        self._defineGpuParams(
            form, cpu="some seconds for each micrograph", gpus="The first of them is taken."
        )
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        self._insertStepsFor(self.tuneStep)

    def tuneStep(self, signature: str) -> None:
        """Search the CRF, and then how to pick with it."""
        self._remember()
        self._writeCtfs(self._getExtraPath())
        folders, model = tuple(self._labelsFolders()), self._model()
        for command, values in self._searches():
            output = self._modelPath() if command == self._searches()[-1][0] else self._crfModel()
            self._runOnce(
                Job(command, {**values, "model": model}, folders, output), bool(self.useGpu)
            )
            model = output

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        self._defineModel([*self.inputMasks, self.inputCoordinates])

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if not self._searches():
            return ["Choose what to tune: the picking, the CRF, or both."]
        errors = self._modelErrors() + self._gpuErrors() + self._modelNameErrors()
        errors = errors or self._labelErrors()
        if errors:
            return errors
        if len(self._labelledNames()) < 2:
            return [
                "Expected at least two labelled micrographs: what suits one is tried on others."
            ]
        try:
            for record in self._records():
                record_from_dict(record, form_values(self, record))
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _warnings(self) -> List[str]:
        has_discs = self.inputCoordinates.get() is not None
        has_discs = has_discs or not all(map(are_outlined, self._sources()))
        discs = [DISCS_WARNING] if has_discs and self.tuneCrf else []
        return self._continueWarnings() + self._pickedWarnings() + discs

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return ["No model yet."]
        found = [line for path in self._foundFiles() for line in read_text(path).splitlines()]
        lines = [f"{line[:1].upper()}{line[1:]}." for line in found]
        return lines + card_lines(read_card(self._modelPath()))

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        parts = (("the picking", self.tunePicking), ("the CRF", self.tuneCrf))
        what = " and ".join(name for name, is_tuned in parts if is_tuned)
        return [
            f"With CryoSegment, {what} of the model {self._modelName()} was tuned on "
            f"{len(self._labelledNames())} labelled micrographs."
        ]

    def _citations(self) -> List[str]:
        return ["Chung2025"]

    # --------------------------- UTILS functions -----------------------------
    def getFigure(self) -> Path:
        """Drawing of how precision and recall follow the settings; of a tuned picking."""
        return Path(self._modelPath()).with_suffix(PICKING_FIGURE)

    def _records(self) -> List[Type[Params]]:
        chosen = ((CrfTuneParams, self.tuneCrf), (TuneParams, self.tunePicking))
        return [record for record, is_chosen in chosen if is_chosen]

    def _searches(self) -> List[Tuple[str, Dict[str, Any]]]:
        """Command and parameters of each search, in their order."""
        names = {CrfTuneParams: "crf tune", TuneParams: "tune"}
        more = {**self._ctfParams(self._getExtraPath()), **self._cpuParams()}
        return [(names[each], {**form_values(self, each), **more}) for each in self._records()]

    def _crfModel(self) -> str:
        """The model with the tuned CRF, from which a tuning of the picking starts."""
        return str(self._getExtraPath("crf", f"{self.modelName.get()}.safetensors"))

    def _foundFiles(self) -> List[Path]:
        """What each search has found, in words."""
        model = Path(self._modelPath())
        crf = (Path(self._crfModel()) if self.tunePicking else model).with_suffix(CRF_RESULT)
        found = ((crf, self.tuneCrf), (model.with_suffix(PICKING_RESULT), self.tunePicking))
        return [path for path, is_tuned in found if is_tuned]

    def _signature(self) -> str:
        """Everything that the model depends on."""
        facts = [self._searches(), self._model(), *self._labelsSignature(), self._modelPath()]
        return json.dumps(facts, sort_keys=True)
