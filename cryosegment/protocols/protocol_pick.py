# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle picking by segmentation."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pwem.objects import SetOfCoordinates
from pwem.protocols import ProtParticlePickingAuto
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.protocol.constants import VOID_GPU

from cryosegment.constants import BATCH_SIZE
from cryosegment.convert import mic_name
from cryosegment.exchange.coordinates import box_side
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import check_names
from cryosegment.exchange.micrograph_lists import FAILURES_NAME
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_summary import odd_micrographs
from cryosegment.exchange.settings import PickSettings, chosen_crf, is_score, pick_settings
from cryosegment.exchange.wording import counted
from cryosegment.plugin import Plugin
from cryosegment.protocols.ctf_choice import CtfChoice
from cryosegment.protocols.form_fields import auto_or_text, form_values
from cryosegment.protocols.model_choice import MODEL_PROJECT
from cryosegment.protocols.picking_form import PickingForm
from cryosegment.protocols.protocol_pick_base import CryoSegmentProtPickBase


class CryoSegmentProtPick(CryoSegmentProtPickBase, PickingForm, CtfChoice):
    """Pick particles by segmenting micrographs.

    A neural network marks the pixels of particles, their centres and contamination; a conditional
    random field (CRF) refines the map; centres, sizes and scores are read from it. Micrographs are
    scaled by the particle diameter, so that one model serves all pixel sizes.

    *Inputs*: micrographs (as they come, also not dose-weighted or uncorrected) and the particle
    diameter in Å. The general model needs no training.

    *Outputs*: *outputCoordinates* with a score (_cryosegmentScore) that RELION's files keep as
    figure of merit; *outputMasks*, the pixels of each particle, when asked for; *boxsize* in px,
    which other forms can point to; *outputMicrographs*, the good ones, and
    *outputMicrographsDiscarded*, those that are empty, crystalline, contaminated or without ice,
    both with their grade (_cryosegmentGrade) and quality (_cryosegmentQuality). With size classes,
    *outputCoordinatesSize1* and more have the picks of each, once all micrographs are done.

    *Where the threshold is auto* and the model is calibrated, it follows the micrographs: each
    batch is picked with the threshold at which F1 is expected to be highest on those done before
    (the first on its own), so that it settles as the run goes on.

    *Micrographs that fail* are listed in the summary and in extra/failures.csv; the others go on.
    *Continue* tries them again. Where threshold, sizes or larger distances alone have changed, it
    selects other picks from the candidates in seconds; where other parameters have, it picks
    everything again.
    """

    _label = "particle picking"
    _devStatus = BETA

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        ProtParticlePickingAuto._defineParams(self, form)
        self._defineModelParams(form)
        self._defineCtfParam(form, condition=f"modelSource == {MODEL_PROJECT}")
        self._defineParticleParams(form)
        self._definePickingParams(form)
        self._defineGpuParams(
            form,
            cpu="about a second per micrograph",
            gpus="One GPU for each step that runs at the same time: with *0 1* and 3 Scipion "
            "threads, two batches run on two GPUs.",
        )
        form.addParallelSection(
            threads=2,
            mpi=0,
            binThreads=2,
            binThreadsHelp="CPU threads of each batch.",
        )
        self._defineStreamingParams(form)
        form.getParam("streamingBatchSize").setDefault(BATCH_SIZE)

    # --------------------------- what the base asks for ----------------------
    def _pickParams(self) -> Dict[str, Any]:
        return {
            **form_values(self, PickParams, are_hidden=True),
            "pixel_size": self.getInputMicrographs().getSamplingRate(),
            "model": self._model(),
            **self._ctfParams(self._getExtraPath()),
        }

    def getPreviewParams(self, folder: str) -> Dict[str, Any]:
        """Parameters of a `pick` job before the run, with its files in `folder`."""
        self._writeCtfs(folder)
        return {**self.getCoreParams(), **self._ctfParams(folder)}

    def _inputIdentity(self) -> List[Any]:
        return self._ctfIdentity()

    def _insertInitialSteps(self) -> List[int]:
        steps = super()._insertInitialSteps()
        self._writeCtfs(self._getExtraPath())
        return steps

    def _box(self) -> int:
        if self.boxSize.get():
            return int(self.boxSize.get())
        return box_side(self.diameter.get(), self.getInputMicrographs().getSamplingRate())

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        micrographs = self.getInputMicrographs()
        if micrographs is None or self.diameter.get() is None:
            return []  # Scipion itself says that they are missing
        errors = self._modelErrors() + self._gpuErrors() + self._sharedGpuErrors()
        errors += self._ctfErrors()
        if errors:
            return errors
        try:
            PickParams(**self._pickParams())
            check_names(mic_name(mic) for mic in micrographs)
        except CryoSegmentError as error:
            return [str(error)]
        return self._sizeErrors(micrographs) + self._referredErrors()

    def _sharedGpuErrors(self) -> List[str]:
        """Scipion gives several to a step where there are more GPUs than steps at a time."""
        if not self.useGpu or self._gpuErrors():
            return []
        count = sum(number != VOID_GPU for number in self.getGpuList())
        if count <= max(1, self.numberOfThreads.get() - 1):
            return []
        return [
            f"A batch runs on one GPU: give {count + 1} Scipion threads for {count} GPUs, or "
            "choose fewer GPUs."
        ]

    def _sizeErrors(self, micrographs: Any) -> List[str]:
        if not micrographs.getSize():
            return [] if micrographs.isStreamOpen() else ["The set of micrographs is empty."]
        diameter, sampling_rate = self.diameter.get(), micrographs.getSamplingRate()
        side = min(micrographs.getDim()[:2]) * sampling_rate
        errors = []
        if diameter >= side:
            errors.append(
                f"A particle of {diameter:g} Å does not fit in micrographs of {side:.0f} Å: "
                "check the diameter and the pixel size."
            )
        box = self.boxSize.get() or 0
        if box < 0 or 0 < box * sampling_rate < diameter:
            errors.append(
                f"A box of {box} px is smaller than the particle of "
                f"{diameter / sampling_rate:.0f} px: make it larger, or 0."
            )
        elif box % 2:
            errors.append(
                f"A box of {box} px is odd, and extraction takes even ones: give {box + 1}."
            )
        return errors

    def _warnings(self) -> List[str]:
        warnings = []
        if self.useGpu and not Plugin.hasGpu() and not self.useQueue():
            warnings.append("No NVIDIA GPU is seen here: choose *GPU IDs: No* to run on the CPU.")
        warnings += self._diameterWarnings(self.diameter.get())
        missing = self._withoutCtf(mic_name(mic) for mic in self.getInputMicrographs() or ())
        if missing:
            count = counted(len(missing), "micrograph")
            warnings.append(f"{count} without a CTF, such as {missing[0]}: it will fail.")
        return warnings + self._continueWarnings()

    def getSummary(self, coordSet: SetOfCoordinates) -> str:
        """What the coordinates' comment says."""
        done = len(list(self._readDoneList()))
        count, where = counted(coordSet.getSize(), "particle"), counted(done, "micrograph")
        return f"{count}, box {coordSet.getBoxSize()} px, {where}"

    def _summary(self) -> List[str]:
        failures = self.getFailures()
        lines = []
        if self.hasAttribute("outputCoordinates"):
            done = len(self._readDoneList()) - len(failures)
            count = self.outputCoordinates.getSize()
            lines.append(
                f"*{counted(count, 'particle')}* in {counted(done, 'micrograph')}, "
                f"{count / max(done, 1):.0f} each."
            )
            lines.append(f"Box: {self.outputCoordinates.getBoxSize()} px.")
            lines.append(
                f"Diameter {self.diameter.get():.4g} Å, {self._thresholdText()}, "
                f"CRF: {self.getEnumText('crf')}, model: {self._modelName()}."
            )
        else:
            lines.append("No particles yet.")
        for line in odd_micrographs(list(self.getSummaries().values())):
            lines.append(f"Looks {line}.")
        path = self._getExtraPath(FAILURES_NAME)
        more = f"All are in {path}; Continue tries them again."
        return lines + self._failuresText(failures, more)

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputCoordinates"):
            return ["No particles yet."]
        refined = ", refined by a conditional random field" if self._hasCrf() else ""
        count = counted(self.outputCoordinates.getSize(), "particle")
        where = counted(len(self._readDoneList()), "micrograph")
        return [
            f"With CryoSegment, {count} of {self.diameter.get():.4g} Å were picked in {where} by "
            f"segmentation (model {self._modelName()}{refined}), {self._thresholdText()}."
        ]

    def _citations(self) -> List[str]:
        return ["Chung2025", "Gyawali2024", *(["Krahenbuhl2011"] if self._hasCrf() else [])]

    # --------------------------- UTILS functions -----------------------------
    def getDiameter(self) -> float:
        """Particle diameter, Å."""
        return float(self.diameter.get())

    def _hasCrf(self) -> bool:
        """Whether the chosen CRF, or the one that the model recommends, is any."""
        card = self._card()
        return card is not None and chosen_crf(self.getEnumText("crf"), card) is not None

    def _settings(self) -> Optional[PickSettings]:
        """What picking runs on; nothing where there is no model."""
        card = self._card()
        return pick_settings(PickParams(**self._pickParams()), card) if card else None

    def _knownThreshold(self) -> Dict[str, Any]:
        settings = self._settings()
        if settings is None or settings.threshold is not None:
            return {}
        scores = self._knownScores(settings)
        return {"threshold": f"{settings.threshold_for(scores):.6f}"} if len(scores) else {}

    def _thresholdText(self) -> str:
        settings, text = self._settings(), f"scores of at least {self.getThreshold():.2f}"
        if settings is not None and settings.threshold is None:
            return f"{text} (chosen on the micrographs)"
        is_given = is_score(auto_or_text(self.threshold))
        return text if is_given else f"{text} (the model's threshold)"
