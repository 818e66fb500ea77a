# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a segmentation model on labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Set

from pwem.objects import SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.convert import (
    card_lines,
    has_pick_scores,
    scaled_coordinates,
)
from cryosegment.exchange.card import ModelCard, read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import make_folder, micrograph_name, read_table
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import (
    LABELS_NAME,
    PICKED,
    PICKS,
    LabelsIndex,
    write_labels_index,
)
from cryosegment.exchange.params import LabelsCoordinatesParams, TrainParams, free_to_change
from cryosegment.masks import labels_of_masks
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.labels_run import LabelsRun
from cryosegment.protocols.messages import PICKED_WARNING, counted
from cryosegment.protocols.remembered import identity
from cryosegment.protocols.training_form import PARTIAL, TrainingForm


class CryoSegmentProtTrain(LabelsRun, TrainingForm):
    """Train a segmentation model on your own particles.

    *Inputs*: masks of *label micrographs* or *simulate micrographs*, whole sets or subsets, or
    coordinates of good micrographs, or both. Training starts from the general model, from one of
    the project, or from scratch.

    *Output*: *outputModel*, the best network by F1 on micrographs that were kept for validation.

    *Analyze results* shows the curves and examples, also while it runs. *Continue* resumes an
    interrupted training. To train a finished model further, start a new run from it.
    """

    _label = "train model"
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
            help="Masks of *label micrographs* or *simulate micrographs*, of one run or more. Of a "
            "subset, its micrographs alone are trained on.",
        )
        self._defineCoordinatesParams(form)
        self._defineTrainingParams(form)
        self._defineGpuParams(
            form, cpu="ten minutes are enough for fine-tuning", gpus="Several share each batch."
        )
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        labels = self._labelsSignature()
        if labels:
            self._insertFunctionStep(self.labelStep, labels, needsGPU=False)
        signature = self._signature()
        self._insertFunctionStep(self.trainStep, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def labelStep(self, signature: str) -> None:
        """Make labels of the coordinates."""
        micrographs = self._micrographs()
        records = scaled_coordinates(self.inputCoordinates.get(), micrographs)
        self._labelCoordinates(records, micrographs, {"diameter": self.diameter.get()})

    def trainStep(self, signature: str) -> None:
        """Train, or continue the same training."""
        values = {**self._trainValues(), "resume": self._beginOrContinue()}
        self._writeCtfs(self._getExtraPath())
        folders = self._writeMaskLabels()
        if self.inputCoordinates.get() is not None:
            folders.append(self.getLabelsFolder())
        job = Job("train", values, tuple(folders), self._modelPath())
        self._runOnce(job, gpu=self.useGpu.get())

    def _writeMaskLabels(self) -> List[str]:
        """Labels folders of the chosen masks alone, which name the files of their runs."""
        root = Path(self._getExtraPath("masks"))
        cleanPath(str(root))
        written = []
        for number, index in enumerate(self._maskLabels().values(), start=1):
            write_labels_index(make_folder(root / str(number)), index)
            written.append(str(root / str(number)))
        return written

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        self._defineModel([*self.inputMasks, self.inputCoordinates])

    # --------------------------- INFO functions ------------------------------
    def _warnings(self) -> List[str]:
        warnings = self._continueWarnings()
        sources = {index.source for index in self._maskLabels().values()}
        if has_pick_scores(self.inputCoordinates.get()) or sources & {PICKED, PICKS}:
            warnings.append(PICKED_WARNING)
        return warnings

    def _results(self) -> List[str]:
        """The model, or the progress of its training."""
        history = [] if self.hasAttribute("outputModel") else self.getHistory()
        steps = [f"the training so far ({history[-1]['step']:.0f} steps)"] if history else []
        return steps or super()._results()

    def _validate(self) -> List[str]:
        if not self.inputMasks and self.inputCoordinates.get() is None:
            return ["Choose labels, or coordinates."]
        errors = self._modelErrors() + self._gpuErrors() + self._labelErrors()
        errors = errors or self._ctfErrors()
        if errors:
            return errors
        errors = self._modelNameErrors()
        try:
            TrainParams(**self._trainValues())
            if self.inputCoordinates.get() is not None and self.diameter.get() is None:
                errors.append("Give the *Particle diameter* of the coordinates.")
            elif self.inputCoordinates.get() is not None:
                LabelsCoordinatesParams(coordinates="file", diameter=self.diameter.get())
        except CryoSegmentError as error:
            errors.append(str(error))
        return errors

    def _labelErrors(self) -> List[str]:
        if self.inputCoordinates.get() is not None:
            errors = self._nameErrors(self._micrographs())
            if errors:
                return errors
        sets = [pointer.get() for pointer in self.inputMasks]
        if any(masks is None or not masks.getSize() for masks in sets):
            return ["A set of masks is empty: choose another, or take it out of *Labels*."]
        try:
            self._maskLabels()
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

    def _labelledNames(self) -> Set[str]:
        """Micrographs with labels; of coordinates, those whose name they know."""
        indices = self._maskLabels().values()
        names = {entry.name for index in indices for entry in index.entries}
        if self.inputCoordinates.get() is not None:
            known = self.inputCoordinates.get().getUniqueValues("_micName")
            names |= {micrograph_name(name) for name in known if name}
        return names

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return [*self._historyLines("so far"), "No model yet."]
        card = self._trainedCard()
        provenance = card.provenance
        lines = self._historyLines(f"on the {provenance.metrics[0]['data']}")
        for data in provenance.training_data:
            text = counted(data["particles"], "particle")
            text += f" in {counted(data['micrographs'], 'micrograph')}"
            text += f", validated on {data['validation']} more" if data["validation"] else ""
            lines.append(f"Trained on {text}.")
        if self.labelsAre == PARTIAL:
            share = provenance.training["labelled_share"]
            lines.append(f"The labels have {share:.0%} of the particles.")
        return card_lines(card) + lines + self._failureLines()

    def _historyLines(self, where: str) -> List[str]:
        """Duration of the training, and the best F1."""
        history = self.getHistory()
        if not history:
            return []
        best, last = max(row["score"] for row in history), history[-1]
        minutes = last["seconds"] / 60
        return [f"{last['step']:.0f} steps in {minutes:.1f} min, best F1 {where} {best:.3f}."]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        start = self._start()
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

    def _micrographs(self) -> SetOfMicrographs:
        return self.inputMicrographs.get() or self.inputCoordinates.get().getMicrographs()

    def _labelsSignature(self) -> str:
        """All that the labels of coordinates depend on; empty without coordinates."""
        if self.inputCoordinates.get() is None:
            return ""
        inputs = [identity(self.inputCoordinates), identity(self.inputMicrographs)]
        return json.dumps([self.diameter.get(), *inputs])

    def _signature(self) -> str:
        """What must be the same to continue a training, and then what may change."""
        values = self._trainValues()
        later = {name: values.pop(name) for name in free_to_change(TrainParams) if name in values}
        masks = []
        for folder, index in self._maskLabels().items():
            made = (Path(folder) / LABELS_NAME).stat().st_mtime_ns
            masks.append([folder, made, [entry.name for entry in index.entries]])
        facts = [values, masks, self._labelsSignature(), self._ctfIdentity(), self._modelPath()]
        return json.dumps([facts, later], sort_keys=True)

    def _maskLabels(self) -> Dict[str, LabelsIndex]:
        """Labels of the chosen masks, by the folder that they are in."""
        return labels_of_masks(pointer.get() for pointer in self.inputMasks)
