# SPDX-License-Identifier: GPL-3.0-or-later
"""Import of a segmentation model."""

from __future__ import annotations

import os
import shutil
from typing import List

from pwem.protocols import EMProtocol
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.utils import createAbsLink

from cryosegment.convert import card_lines
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.objects import SegmentationModel

SOURCE_SHIPPED, SOURCE_FILE = 0, 1


class CryoSegmentProtImportModel(EMProtocol):
    """Import a model, so that picking, training and other protocols can point to it.

    A model is a .safetensors file made by *cryosegment train*, *screen train* or *train particles*,
    or by a training protocol. The file holds a card that says what the model is for, with the
    particle sizes and data of its training and its threshold.
    The general model that comes with the plugin can be imported too, to fine-tune it.
    """

    _label = "import model"
    _devStatus = BETA
    _possibleOutputs = {"outputModel": SegmentationModel}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "source",
            params.EnumParam,
            choices=["general model of the plugin", "file"],
            default=SOURCE_FILE,
            label="Import from",
            help="*general model of the plugin*: trained on simulated micrographs of many "
            "molecules.\n*file*: a model of your own.",
        )
        form.addParam(
            "modelPath",
            params.FileParam,
            filter="*.safetensors",
            condition=f"source == {SOURCE_FILE}",
            label="Model file",
            help="A .safetensors file with a model card.",
        )
        form.addParam(
            "copyFile",
            params.BooleanParam,
            default=True,
            expertLevel=params.LEVEL_ADVANCED,
            label="Copy the file?",
            help="*Yes*: the project keeps its own copy.\n*No*: a link to the file, which must "
            "then stay where it is.",
        )

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        self._insertFunctionStep(self.importStep, needsGPU=False)

    def importStep(self) -> None:
        """Copy or link the file into the project and register the model with its card."""
        card = read_card(self._sourcePath())
        path = self._getExtraPath(os.path.basename(self._sourcePath()))
        if self.copyFile:
            shutil.copyfile(self._sourcePath(), path)
        else:
            createAbsLink(os.path.abspath(self._sourcePath()), path)
        model = SegmentationModel(path)
        model.setCard(card)
        self._defineOutputs(outputModel=model)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if self.source == SOURCE_FILE and not self.modelPath.get():
            return ["Choose a model file."]
        try:
            read_card(self._sourcePath())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return ["No model imported yet."]
        path = self.outputModel.getPath()
        try:
            return card_lines(read_card(path))
        except CryoSegmentError as error:
            return [str(error)]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        return [f"The segmentation model {self.outputModel._name.get()} was imported."]

    def _citations(self) -> List[str]:
        return ["Chung2025"]

    # --------------------------- UTILS functions -----------------------------
    def _sourcePath(self) -> str:
        if self.source == SOURCE_SHIPPED:
            return str(model_path(GENERAL))
        return self.modelPath.get()
