# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a screening model on labels."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from pyworkflow.constants import BETA
from pyworkflow.protocol import params

from cryosegment.convert import card_lines, scaled_coordinates
from cryosegment.exchange.card import SCREENING as SCREENING_TASK
from cryosegment.exchange.card import read_card
from cryosegment.exchange.coordinates import write_coordinates_star
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import SCREENING
from cryosegment.exchange.params import ScreenTrainParams, free_to_change
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.wording import counted
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.labelled_input import LabelledInput
from cryosegment.protocols.remembered import identity
from cryosegment.protocols.trained_model import TrainedModel

ADVANCED = {"expertLevel": params.LEVEL_ADVANCED}
LEARNING = (
    ("batch", "batch", "Batch"),
    ("learning_rate", "learningRate", "Learning rate"),
    ("seed", "seed", "Seed"),
)
"""Parameter, form field and label of how the network learns."""


class CryoSegmentProtTrainScreening(LabelledInput, TrainedModel, GpuChoice):
    """Train a model that tells good picks from bad ones by their boxes, on your own micrographs.

    *Inputs*: micrographs all of whose particles are labelled: coordinates picked or corrected by
    hand, or masks of *label micrographs* or *simulate micrographs*; labelled contamination is
    learned as interference. With the picks of a picker, those of them that are no particles are
    learned as bad.

    *Output*: *outputModel*, for *screen picks*: the best network by average precision on
    micrographs that were kept for validation.

    *Continue* resumes an interrupted training.
    """

    _label = "train screening model"
    _devStatus = BETA
    _possibleOutputs = {"outputModel": SegmentationModel}
    _shippedModel = SCREENING
    _task = SCREENING_TASK

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        self._defineLabelsParams(
            form, "trained on", "They should include all particles of their micrographs."
        )
        form.addParam(
            "inputPicks",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            allowsNull=True,
            label="Picks with mistakes",
            help="Of the picker whose picks are to be screened, on these micrographs.",
        )
        form.addSection(label="Training")
        self._defineModelParams(form, label="Start from")
        for name in ("minutes", "steps"):
            label = "Minutes" if name == "minutes" else "Or steps"
            add_field(form, ScreenTrainParams, name, label, allowsNull=True)
        add_field(form, ScreenTrainParams, "validation", "Validation fraction")
        for name, attribute, label in LEARNING:
            add_field(form, ScreenTrainParams, name, label, attribute, **ADVANCED)
        self._defineNameParam(form, "screening")
        self._defineGpuParams(form, "which takes minutes", "The first of them is taken.")
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        self._insertStepsFor(self.trainStep)

    def trainStep(self, signature: str) -> None:
        """Train, or continue the same training."""
        values = {**self._trainValues(), "resume": self._beginOrContinue()}
        if self.inputPicks.get() is not None:
            values["picks"] = self._exportPicks()
        job = Job("screen train", values, tuple(self._labelsFolders()), self._modelPath())
        self._runOnce(job, gpu=self.useGpu.get())

    def _exportPicks(self) -> str:
        """Write the picks, in the pixels of the labelled micrographs."""
        picks, path = self.inputPicks.get(), self._getExtraPath("picks.star")
        sizes = [index.entries[0].pixel_size for index in self._maskLabels().values()]
        pixel_size = sizes[0] if sizes else self._micrographs().getSamplingRate()
        records = scaled_coordinates(picks, picks.getMicrographs())
        rows = [(f"{name}.mrc", own.at_pixel_size(pixel_size)) for name, own in records.items()]
        write_coordinates_star(path, rows)
        return str(path)

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        self._defineModel([*self.inputMasks, self.inputCoordinates, self.inputPicks])

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        errors = self._labelErrors() or self._modelErrors() + self._gpuErrors()
        errors = errors or self._modelNameErrors()
        if errors:
            return errors
        try:
            record_from_dict(ScreenTrainParams, self._trainValues())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _warnings(self) -> List[str]:
        return self._continueWarnings() + self._pickedWarnings()

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return ["No model yet."]
        card = read_card(self._modelPath())
        data = card.provenance.training_data[0]
        text = f"Trained on {counted(data['micrographs'], 'micrograph')}"
        text += f", validated on {data['validation']} more" if data["validation"] else ""
        return [*card_lines(card), f"{text}."]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        return [f"A screening model was trained with CryoSegment, starting from {self._start()}."]

    def _citations(self) -> List[str]:
        return ["Zhang2019"]

    # --------------------------- UTILS functions -----------------------------
    def _trainValues(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        given = form_values(self, ScreenTrainParams).items()
        values = {name: value for name, value in given if value is not None}
        return {**values, "start": self._model(), **self._cpuParams()}

    def _signature(self) -> str:
        """What must be the same to continue a training, and then what may change."""
        values = self._trainValues()
        free = [name for name in free_to_change(ScreenTrainParams) if name in values]
        later = {name: values.pop(name) for name in free}
        facts = [values, *self._labelsSignature(), identity(self.inputPicks), self._modelPath()]
        return json.dumps([facts, later], sort_keys=True)
