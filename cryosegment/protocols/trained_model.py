# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that a protocol makes: its name, its file, and how a training goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Iterable, List

from pyworkflow.object import Pointer
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.exchange.card import read_card
from cryosegment.exchange.files import read_text
from cryosegment.objects import SegmentationModel
from cryosegment.protocols.model_choice import ModelChoice
from cryosegment.protocols.remembered import Remembered

MODEL_SCRATCH = 2
STATES = (".state.safetensors", ".state.best.safetensors")
"""Files from which an interrupted training is continued: suffixes instead of the model's."""


class MadeModel(ModelChoice):
    """A protocol that makes a model of another."""

    _label = None

    def _defineNameParam(self, form: params.Form, name: str) -> None:
        form.addParam(
            "modelName",
            params.StringParam,
            default=name,
            label="Name of the new model",
            help="Letters, digits, - and _.",
        )

    def _modelNameErrors(self) -> List[str]:
        if self.modelName.get().replace("-", "").replace("_", "").isalnum():
            return []
        return ["The *Name of the new model* may hold letters, digits, - and _ only."]

    def _modelPath(self) -> str:
        return self._getExtraPath(f"{self.modelName.get()}.safetensors")

    def _defineModel(self, sources: Iterable[Pointer]) -> None:
        """Register the model, with what its card says, as made of the sources that are given."""
        model = SegmentationModel(self._modelPath())
        model.setCard(read_card(self._modelPath()))
        self._defineOutputs(outputModel=model)
        for pointer in sources:
            if pointer.get() is not None:
                self._defineSourceRelation(pointer, model)


class TrainedModel(Remembered, MadeModel):
    """A protocol that trains a model; its signature is what must stay, and what may change."""

    _label = None

    def _defineStartParams(self, form: params.Form, scratch: str, name: str) -> None:
        """What the training starts from, with what scratch means, and the new model's name."""
        self._defineModelParams(
            form, label="Start from", more=["scratch"], help=f"\n*scratch*: {scratch}"
        )
        self._defineNameParam(form, name)

    def _modelErrors(self) -> List[str]:
        return [] if self.modelSource == MODEL_SCRATCH else super()._modelErrors()

    def _model(self) -> str:
        return "" if self.modelSource == MODEL_SCRATCH else super()._model()

    def _start(self) -> str:
        """What the training started from, in words."""
        return "random weights" if self.modelSource == MODEL_SCRATCH else self._modelName()

    def _stateFiles(self) -> List[str]:
        """Files from which the core continues; written from the first validation on."""
        return [str(Path(self._modelPath()).with_suffix(suffix)) for suffix in STATES]

    def _beginOrContinue(self) -> bool:
        """Whether an interrupted training goes on; else what is left of another is removed."""
        has_state = all(map(os.path.exists, self._stateFiles()))
        goes_on = has_state and self._signatureFile().exists() and not self._hasOtherParams()
        if not goes_on:
            cleanPath(*self._stateFiles())
        self._remember()
        return goes_on

    def _hasOtherParams(self) -> bool:
        if self.hasAttribute("outputModel") or not self._signatureFile().exists():
            return super()._hasOtherParams()
        before, now = json.loads(read_text(self._signatureFile())), json.loads(self._signature())
        return bool(before[0] != now[0])

    def _defineModel(self, sources: Iterable[Pointer]) -> None:
        super()._defineModel(sources)
        cleanPath(*self._stateFiles())
