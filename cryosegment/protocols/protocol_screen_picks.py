# SPDX-License-Identifier: GPL-3.0-or-later
"""A second look at the picks of any picker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from pwem.objects import SetOfCoordinates
from pyworkflow.constants import BETA
from pyworkflow.object import Integer
from pyworkflow.protocol import params

from cryosegment.convert import mic_name, micrographs_by_name
from cryosegment.core_files import core_file
from cryosegment.exchange.card import SCREENING as SCREENING_TASK
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import check_names
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.model_files import SCREENING
from cryosegment.exchange.params import ScreenApplyParams
from cryosegment.exchange.pick_folder import COORDINATES
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.screen_folder import COUNTED, DROPPED, ScreenFolder
from cryosegment.exchange.screening import KINDS
from cryosegment.exchange.wording import counted
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.model_choice import ModelChoice
from cryosegment.protocols.remembered import Remembered, identity
from cryosegment.screened import append_screened, write_numbered_coordinates


class CryoSegmentProtScreenPicks(CoreRun, Remembered, ModelChoice, GpuChoice):
    """Screen the picks of any picker: each box shows a particle, interference or noise.

    *Input*: coordinates of any picker, with or without scores.

    *Outputs*: *outputCoordinates*, the picks that are kept, and *outputDropped*, the others, with
    the attributes that they have and more: *_cryosegmentScreening*, how much the box looks like a
    particle; *_cryosegmentInterference*, how much like contamination, and
    *_cryosegmentProbability*, by box, score and all picks; *boxsize* in px.
    """

    _label = "screen picks"
    _devStatus = BETA
    _possibleOutputs = {
        "outputCoordinates": SetOfCoordinates,
        "outputDropped": SetOfCoordinates,
        "boxsize": Integer,
    }
    _shippedModel = SCREENING
    _task = SCREENING_TASK

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        self._defineGpuParams(
            form, "about a second for each micrograph", "GPU for the network, such as 0."
        )
        form.addSection(label="Input")
        form.addParam(
            "inputCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            important=True,
            label="Coordinates",
            help="Picks of any picker.",
        )
        self._defineModelParams(form, label="Screening model")
        add_field(form, ScreenApplyParams, "diameter", "Particle diameter", allowsPointers=True)
        add_field(form, ScreenApplyParams, "threshold", "Probability threshold")
        expert = {"expertLevel": params.LEVEL_ADVANCED}
        add_field(form, ScreenApplyParams, "contrast", "Particles are", **expert)
        add_field(form, ScreenApplyParams, "picker", "Picking model", **expert)
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = self._signature()
        self._insertFunctionStep(self.screenStep, signature, needsGPU=bool(self.useGpu))
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def screenStep(self, signature: str) -> None:
        """Screen the picks of all micrographs, as one job of the core."""
        self._remember()
        picks = self._getExtraPath("picks")
        write_numbered_coordinates(picks, self.inputCoordinates.get())
        files = {
            name: core_file(mic, self._getTmpPath())
            for name, mic in micrographs_by_name(self._micrographs()).items()
        }
        values = {
            **self._values(),
            "picks": picks,
            "pixel_size": self._micrographs().getSamplingRate(),
            **self._cpuParams(),
        }
        job = Job("screen apply", values, tuple(files.values()), self.getFolder(), tuple(files))
        threads = self.numberOfThreads.get()
        self._runCore(job, Path(self.getFolder(), JOB_NAME), bool(self.useGpu), threads)

    def createOutputStep(self, signature: str) -> None:
        """Make the outputs of the kept and of the dropped picks.

        Raises
        ------
        RuntimeError
            If none is kept.
        """
        source = self.inputCoordinates.get()
        pointer = source.getMicrographs(asPointer=True)
        outputs = {}
        for kind, name in ((COORDINATES, "outputCoordinates"), (DROPPED, "outputDropped")):
            coordinates = self._createSetOfCoordinates(pointer, suffix=f"_{kind}")
            coordinates.setBoxSize(source.getBoxSize())
            append_screened(
                coordinates, source, sorted(Path(self.getFolder(), kind).glob("*.star"))
            )
            if coordinates.getSize():
                outputs[name] = coordinates
        if "outputCoordinates" not in outputs:
            raise RuntimeError(
                f"none of {source.getSize()} picks is kept: lower the threshold, and check the "
                "diameter"
            )
        self._defineOutputs(boxsize=Integer(source.getBoxSize() or 0), **outputs)
        for coordinates in outputs.values():
            self._defineSourceRelation(self.inputCoordinates, coordinates)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if self.inputCoordinates.get() is None or self.diameter.get() is None:
            return []  # Scipion itself says that they are missing
        errors = self._modelErrors() + self._gpuErrors()
        if errors:
            return errors
        try:
            record_from_dict(ScreenApplyParams, {**self._values(), "picks": "file"})
            check_names(map(mic_name, self._micrographs()))
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputCoordinates"):
            return ["No screened picks yet.", *self._failureLines()]
        rows = ScreenFolder(self.getFolder()).counts().values()
        picks, kept, *by_kind = (sum(row[title] for row in rows) for title in COUNTED[1:])
        kinds = ", ".join(f"{count} {kind}" for count, kind in zip(by_kind, KINDS))
        return [
            f"*{counted(kept, 'pick')}* of {picks} kept.",
            f"By their boxes: {kinds}.",
            *self._failureLines(),
        ]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputCoordinates"):
            return []
        return [
            f"{counted(self.inputCoordinates.get().getSize(), 'pick')} were screened by their "
            f"boxes with CryoSegment, and {self.outputCoordinates.getSize()} kept."
        ]

    def _citations(self) -> List[str]:
        return ["Zhang2019"]

    # --------------------------- UTILS functions -----------------------------
    def getFailures(self) -> Dict[str, str]:
        """Error of each micrograph that could not be screened, by its name."""
        return self._failuresIn(self.getFolder())

    def _failureLines(self) -> List[str]:
        return self._failuresText(self.getFailures(), f"All are in {self.getFolder()}.")

    def getFolder(self) -> str:
        """Folder of the results, relative to the project."""
        return str(self._getExtraPath("screened"))

    def _micrographs(self) -> Any:
        return self.inputCoordinates.get().getMicrographs()

    def _values(self) -> Dict[str, Any]:
        return {**form_values(self, ScreenApplyParams), "model": self._model()}

    def _signature(self) -> str:
        return json.dumps([self._values(), identity(self.inputCoordinates)], sort_keys=True)
