# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of a model in a form: the general one, or one of the project."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import List, Optional, Sequence

from pwem.protocols import EMProtocol
from pyworkflow.protocol import params

from cryosegment.exchange.card import PICKING, ModelCard, read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.model_files import GENERAL, model_path

MODEL_GENERAL, MODEL_PROJECT = 0, 1


@lru_cache(maxsize=16)
def _card_in(path: Path, changed: float) -> ModelCard:
    """Card in a file that was last changed at a time: read again only if the file is another."""
    return read_card(path)


class ModelChoice(EMProtocol):
    """Form fields of the model, and the chosen model with its card."""

    _label = None
    _shippedModel = GENERAL
    _task = PICKING  # what the model must be for

    def _defineModelParams(
        self, form: params.Form, label: str = "Model", more: Sequence[str] = (), help: str = ""
    ) -> None:
        form.addParam(
            "modelSource",
            params.EnumParam,
            choices=["general", "from the project", *more],
            default=MODEL_GENERAL,
            display=params.EnumParam.DISPLAY_HLIST,
            label=label,
            help="*general*: the model of the plugin, trained on simulations of many molecules.\n"
            "*from the project*: imported, or trained on your own particles." + help,
        )
        form.addParam(
            "inputModel",
            params.PointerParam,
            pointerClass="SegmentationModel",
            condition=f"modelSource == {MODEL_PROJECT}",
            allowsNull=True,
            label="Segmentation model",
            help="Output of *import model*, or of a training.",
        )

    def _model(self) -> str:
        """The model for a job: the name of the shipped one, or a file."""
        if self.modelSource == MODEL_GENERAL:
            return self._shippedModel
        return self.inputModel.get().getPath()

    def _modelErrors(self) -> List[str]:
        if self.modelSource == MODEL_PROJECT and self.inputModel.get() is None:
            return ["Choose a segmentation model, or the general one."]
        try:
            self._readCard().check_task(self._task)
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _readCard(self) -> ModelCard:
        path = model_path(self._model())
        return _card_in(path, path.stat().st_mtime if path.exists() else 0.0)

    def _card(self) -> Optional[ModelCard]:
        """Card of the chosen model; None if there are `_modelErrors`."""
        return None if self._modelErrors() else self._readCard()

    def _modelName(self) -> str:
        card = self._card()
        return card.name if card else "unknown"

    def _diameterWarnings(self, diameter: Optional[float]) -> List[str]:
        """A warning if the model was not trained on particles of this `diameter` (Å)."""
        card = self._card()
        seen = card.provenance.particle_diameters if card else ()
        if not (seen and diameter):
            return []
        small, large = round(min(seen)), round(max(seen))
        if small <= round(diameter) <= large:
            return []
        sizes = f"{small} to {large}" if small < large else f"{small}"
        return [f"The model was trained on particles of {sizes} Å, not of {diameter:.0f} Å."]
