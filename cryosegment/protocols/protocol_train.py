# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a segmentation model on labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence, Set

from pwem.objects import SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.convert import card_lines, scaled_coordinates
from cryosegment.exchange.card import ModelCard, read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import micrograph_name, read_table, read_text, write_text
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.labels import LABELS_NAME, read_labels_index
from cryosegment.exchange.params import LabelsCoordinatesParams, TrainParams
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.core_run import CoreRun, identity
from cryosegment.protocols.form_fields import add_field
from cryosegment.protocols.training_form import MODEL_SCRATCH, PARTIAL, TrainingForm

CONTINUED = ("minutes", "epochs", "learning_rate", "patience", "gpu", "resume")
"""Parameters that may change when an interrupted training goes on."""


class CryoSegmentProtTrain(CoreRun, TrainingForm):
    """Train a segmentation model on your own particles.

    *Inputs*: masks of one or more runs of *training labels* or *simulate micrographs*, or
    coordinates of good micrographs, or both. Training starts from the general model, from one of
    the project, or from scratch.

    *Output*: *outputModel*, the best network by F1 on micrographs that were kept for validation.

    *Analyze results* draws the curves and examples, also while it runs. *Continue* goes on where
    training was interrupted, or longer when more time is given.
    """

    _label = "training"
    _devStatus = BETA
    _possibleOutputs = {"outputModel": SegmentationModel}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "inputMasks",
            params.MultiPointerParam,
            pointerClass="SetOfMicrographMasks",
            allowsNull=True,
            label="Labels",
            help="Masks of *training labels* or *simulate micrographs*, of one run or more.",
        )
        self._defineCoordinatesParams(form)
        self._defineTrainingParams(form)
        self._defineGpuParams(
            form, cpu="ten minutes are enough for fine-tuning", gpus="Several share each batch."
        )
        form.addParallelSection(threads=2, mpi=0)

    def _defineCoordinatesParams(self, form: params.Form) -> None:
        group = form.addGroup("Labels from coordinates")
        group.addParam(
            "inputCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            allowsNull=True,
            label="Coordinates",
            help="All particles of a micrograph should be among them, unless labels are said to be "
            "partial. A disc is drawn for each.",
        )
        group.addParam(
            "inputMicrographs",
            params.PointerParam,
            pointerClass="SetOfMicrographs",
            allowsNull=True,
            expertLevel=params.LEVEL_ADVANCED,
            label="Micrographs",
            help="Left out: those of the coordinates.",
        )
        add_field(
            group,
            LabelsCoordinatesParams,
            "diameter",
            "Particle diameter",
            allowsPointers=True,
            allowsNull=True,
            help="Needed for coordinates only.",
        )

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        labels = self._labelsSignature()
        if labels:
            self._insertFunctionStep(self.labelStep, labels, needsGPU=False)
        masks = [[identity(pointer) for pointer in self.inputMasks], _ages(self._maskFolders())]
        facts = [self._trainValues(), masks, labels, self._ctfIdentity()]
        signature = json.dumps(facts, sort_keys=True)
        self._insertFunctionStep(self.trainStep, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def labelStep(self, signature: str) -> None:
        """Make labels of the coordinates."""
        micrographs = self._micrographs()
        records = scaled_coordinates(self.inputCoordinates.get(), micrographs)
        self._labelCoordinates(records, micrographs, {"diameter": self.diameter.get()})

    def trainStep(self, signature: str) -> None:
        """Train, or go on with the same training."""
        job = Job("train", self._trainValues(), tuple(self._folders()), self._modelPath())
        job.params["resume"] = self._isBegun(job)
        if not job.params["resume"]:
            cleanPath(str(self._stateFile()))
        write_text(self._begunFile(), json.dumps(self._begunWith()))
        self._writeCtfs(self._getExtraPath())
        self._runCore(job, gpu=self.useGpu.get())

    def _isBegun(self, job: Job) -> bool:
        """Whether an interrupted training had the same settings, labels and CTFs."""
        path, begun = Path(self._modelPath()).with_suffix(".job.json"), Path(self._begunFile())
        if not (path.exists() and begun.exists() and self._stateFile().exists()):
            return False
        if json.loads(read_text(begun)) != self._begunWith():
            return False
        earlier = read_job(path)
        return earlier.inputs == job.inputs and all(
            earlier.params.get(name) == value
            for name, value in job.params.items()
            if name not in CONTINUED
        )

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        model = SegmentationModel(self._modelPath())
        model.setCard(read_card(self._modelPath()))
        self._defineOutputs(outputModel=model)
        for pointer in [*self.inputMasks, self.inputCoordinates]:
            if pointer.get() is not None:
                self._defineSourceRelation(pointer, model)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if not self.inputMasks and self.inputCoordinates.get() is None:
            return ["Choose labels, or coordinates."]
        errors = self._modelErrors() + self._gpuErrors() + self._labelErrors()
        errors = errors or self._ctfErrors()
        if errors:
            return errors
        if not self.modelName.get().replace("-", "").replace("_", "").isalnum():
            errors.append("The name of the model may hold letters, digits, - and _ only.")
        try:
            TrainParams(**self._trainValues())
            if self.inputCoordinates.get() is not None:
                LabelsCoordinatesParams(coordinates="file", diameter=self.diameter.get() or 0.0)
        except CryoSegmentError as error:
            errors.append(str(error))
        return errors

    def _labelErrors(self) -> List[str]:
        if self.inputCoordinates.get() is not None:
            errors = self._nameErrors(self._micrographs())
            if errors:
                return errors
        for pointer in self.inputMasks:
            folder = pointer.get().getLabelsFolder() if pointer.get() is not None else None
            if not folder:
                return [
                    "Masks of picks cannot be trained on: hand their coordinates to *training "
                    "labels*, or choose them here."
                ]
            try:
                read_labels_index(folder)
            except CryoSegmentError as error:
                return [str(error)]
        return []

    def _ctfErrors(self) -> List[str]:
        errors = super()._ctfErrors()
        if errors or not self._needsCtfs():
            return errors
        missing = self._withoutCtf(self._labelledNames())
        if missing:
            return [f"{len(missing)} labelled micrographs have no CTF, such as {missing[0]}."]
        return []

    def _labelledNames(self) -> Set[str]:
        """Micrographs with labels; of coordinates, those whose name they know."""
        folders = self._maskFolders()
        names = {entry.name for folder in folders for entry in read_labels_index(folder).entries}
        if self.inputCoordinates.get() is not None:
            known = self.inputCoordinates.get().getUniqueValues("_micName")
            names |= {micrograph_name(name) for name in known if name}
        return names

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return [*self._historyLines("so far"), "No model yet."]
        card = self._trainedCard()
        lines = self._historyLines(f"on the {card.metrics[0]['data']}")
        for data in card.training_data:
            facts = ", ".join(f"{count} {name}" for name, count in data.items())
            lines.append(f"Trained on: {facts}.")
        if self.labelsAre == PARTIAL:
            share = card.training["labelled_share"]
            lines.append(f"The labels have {share:.0%} of the particles.")
        return card_lines(card) + lines + self._failureLines()

    def _historyLines(self, where: str) -> List[str]:
        """How long training took, and how good the model is there."""
        history = self.getHistory()
        if not history:
            return []
        best, last = max(row["score"] for row in history), history[-1]
        minutes = last["seconds"] / 60
        return [f"{last['step']:.0f} steps in {minutes:.1f} min, best F1 {where} {best:.3f}."]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        start = "random weights" if self.modelSource == MODEL_SCRATCH else self._modelName()
        return [f"A segmentation model was trained with CryoSegment, starting from {start}."]

    def _citations(self) -> List[str]:
        return ["Chung2025"]

    # --------------------------- UTILS functions -----------------------------
    def getHistory(self) -> List[Dict[str, float]]:
        """A row for each validation so far: step, seconds, score (F1), terms of the loss."""
        path = Path(self._modelPath()).with_suffix(".history.csv")
        if not path.exists():
            return []
        rows = read_table(path)
        return [{name: float(cell) for name, cell in row.items() if cell} for row in rows]

    def getExamplesFile(self) -> Path:
        """Picture of predictions on a validation micrograph; made anew at each validation."""
        return Path(self._modelPath()).with_suffix(".examples.png")

    def _trainedCard(self) -> ModelCard:
        return read_card(self._modelPath())

    def _modelPath(self) -> str:
        return self._getExtraPath(f"{self.modelName.get()}.safetensors")

    def _micrographs(self) -> SetOfMicrographs:
        return self.inputMicrographs.get() or self.inputCoordinates.get().getMicrographs()

    def _labelsSignature(self) -> str:
        """All that the labels of coordinates depend on; empty without coordinates."""
        if self.inputCoordinates.get() is None:
            return ""
        inputs = [identity(self.inputCoordinates), identity(self.inputMicrographs)]
        return json.dumps([self.diameter.get(), *inputs])

    def _stateFile(self) -> Path:
        """What the core goes on from; written from the first validation on."""
        return Path(self._modelPath()).with_suffix(".state.safetensors")

    def _begunFile(self) -> str:
        """File that says what the training has begun with."""
        return self._getExtraPath("begun_with.json")

    def _begunWith(self) -> List[Any]:
        """What tells labels that were made anew, and other CTFs."""
        return [_ages(self._folders()), self._ctfIdentity()]

    def _maskFolders(self) -> List[str]:
        return [pointer.get().getLabelsFolder() for pointer in self.inputMasks]

    def _folders(self) -> List[str]:
        """Labels folders to train on."""
        own = [self.getLabelsFolder()] if self.inputCoordinates.get() is not None else []
        return self._maskFolders() + own


def _ages(folders: Sequence[str]) -> Dict[str, int]:
    """When the labels of each folder were made, ns."""
    return {folder: (Path(folder) / LABELS_NAME).stat().st_mtime_ns for folder in folders}
