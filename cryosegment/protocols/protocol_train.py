# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a segmentation model on labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List

from pyworkflow.constants import BETA
from pyworkflow.protocol import params

from cryosegment.convert import (
    card_lines,
)
from cryosegment.exchange.card import ModelCard, read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import TrainParams, free_to_change
from cryosegment.exchange.training_history import PICTURE, read_history
from cryosegment.exchange.wording import counted
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.labelled_input import LabelledInput
from cryosegment.protocols.training_form import PARTIAL, TrainingForm


class CryoSegmentProtTrain(LabelledInput, TrainingForm):
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
        self._defineLabelsParams(
            form,
            "trained on",
            "They should include all particles of their micrographs, unless labels are declared "
            "partial.",
        )
        self._defineTrainingParams(form)
        self._defineGpuParams(
            form, cpu="ten minutes are enough for fine-tuning", gpus="Several share each batch."
        )
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        self._insertStepsFor(self.trainStep)

    def trainStep(self, signature: str) -> None:
        """Train, or continue the same training."""
        values = {**self._trainValues(), "resume": self._beginOrContinue()}
        self._writeCtfs(self._getExtraPath())
        job = Job("train", values, tuple(self._labelsFolders()), self._modelPath())
        self._runOnce(job, gpu=self.useGpu.get())

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        self._defineModel([*self.inputMasks, self.inputCoordinates])

    # --------------------------- INFO functions ------------------------------
    def _warnings(self) -> List[str]:
        return self._continueWarnings() + self._pickedWarnings()

    def _results(self) -> List[str]:
        """The model, or the progress of its training."""
        history = [] if self.hasAttribute("outputModel") else self.getHistory()
        steps = [f"the training so far ({history[-1]['step']:.0f} steps)"] if history else []
        return steps or super()._results()

    def _validate(self) -> List[str]:
        errors = self._labelErrors() or self._modelErrors() + self._gpuErrors()
        if errors:
            return errors
        errors = self._modelNameErrors()
        try:
            TrainParams(**self._trainValues())
        except CryoSegmentError as error:
            errors.append(str(error))
        return errors

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
        return read_history(self._modelPath())

    def getExamplesFile(self) -> Path:
        """Picture of predictions on a validation micrograph; made anew at each validation."""
        return Path(self._modelPath()).with_suffix(PICTURE)

    def _trainedCard(self) -> ModelCard:
        return read_card(self._modelPath())

    def _signature(self) -> str:
        """What must be the same to continue a training, and then what may change."""
        values = self._trainValues()
        later = {name: values.pop(name) for name in free_to_change(TrainParams) if name in values}
        facts = [values, *self._labelsSignature(), self._modelPath()]
        return json.dumps([facts, later], sort_keys=True)
