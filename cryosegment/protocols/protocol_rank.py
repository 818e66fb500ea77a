# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles scored by their images, and the good ones of them."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import numpy as np
from pwem.objects import SetOfParticles
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.core_files import volume_file
from cryosegment.exchange.card import PARTICLE_IMAGES
from cryosegment.exchange.errors import CryoSegmentError, InputError
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import PARTICLES
from cryosegment.exchange.params import RankParams
from cryosegment.exchange.particles.ranked import read_scores
from cryosegment.exchange.particles.scores import Selection, bias_of, select
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.wording import counted
from cryosegment.particle_sets import set_scores, write_particle_list
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.model_choice import ModelChoice
from cryosegment.protocols.remembered import Remembered, identity

KEPT, DROPPED = "outputParticles", "outputParticlesDropped"


class CryoSegmentProtRankParticles(CoreRun, Remembered, ModelChoice, GpuChoice):
    """Score particles by their images, and part them into those to keep and to drop.

    A network marks signal, edge and background in every image. From these come the edge-to-signal
    ratio (ETS), the distance from the middle, neighbours and other scores, and with them the
    probability that the image holds one whole particle in its middle, on clean ice: the quality.

    *Input*: particles of any kind, as they were extracted.

    *Outputs*: *outputParticles*, the kept, and *outputParticlesDropped*: the same particles, with
    all that they had, and their scores as attributes (_cryosegmentQuality, _cryosegmentETS, ...).
    *Analyze results* shows what another threshold keeps, and registers it.

    *Refined particles* may be ranked, too: the scores come from the images alone. No orientation,
    class, map or half-set is used, so that what is kept does not favour what was found before.
    With a *volume*, they are also compared with it as their orientations say, at resolutions finer
    than those that aligned them: wrong orientations are found, and the selection is biased there.

    *Continue* with another selection takes the scores that are there.
    """

    _label = "rank particles"
    _devStatus = BETA
    _possibleOutputs = {KEPT: SetOfParticles, DROPPED: SetOfParticles}
    _shippedModel = PARTICLES
    _task = PARTICLE_IMAGES

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "inputParticles",
            params.PointerParam,
            pointerClass="SetOfParticles",
            important=True,
            label="Particles",
            help="With images of any box size and pixel size.",
        )
        self._defineAgreementParams(form)
        self._defineModelParams(form)
        add_field(
            form,
            RankParams,
            "diameter",
            "Particle diameter",
            allowsNull=True,
            allowsPointers=True,
            help="Where you know it, give it.",
        )
        expert = {"expertLevel": params.LEVEL_ADVANCED}
        add_field(form, RankParams, "contrast", "Contrast", **expert)
        form.addSection(label="Selection")
        add_field(form, RankParams, "score", "Ranked by")
        add_field(form, RankParams, "keep", "Fraction to keep", allowsPointers=True)
        optional = {"allowsNull": True, "allowsPointers": True}
        add_field(form, RankParams, "threshold", "Or threshold", **optional)
        add_field(form, RankParams, "purity", "Or purity", **optional)
        self._defineGpuParams(
            form, cpu="some 300 particles a second", gpus="Several GPUs share the particles."
        )
        form.addParallelSection(threads=2, mpi=0)

    def _defineAgreementParams(self, form: params.Form) -> None:
        """Fields of refined particles that are compared with a map."""
        form.addParam(
            "inputVolume",
            params.PointerParam,
            pointerClass="Volume",
            allowsNull=True,
            label="Volume",
            help="For particles with orientations and CTFs: their agreement with this map becomes "
            "a score, and the quality says whether the orientation is right, too. The selection is "
            "then biased towards this map at the resolutions that are compared.",
        )
        add_field(form, RankParams, "aligned_to", "Aligned to", allowsNull=True)

    # --------------------------- INSERT steps functions ----------------------
    def _insertAllSteps(self) -> None:
        self._insertFunctionStep(self.listStep, self._signature(), needsGPU=False)
        choice = json.dumps(self._choice())
        self._insertFunctionStep(
            self.rankStep, self._signature(), choice, needsGPU=self.useGpu.get()
        )
        self._insertFunctionStep(self.createOutputStep, self._signature(), choice, needsGPU=False)

    # --------------------------- STEPS functions -----------------------------
    def listStep(self, signature: str) -> None:
        """Write the list of the images."""
        folder = self._getExtraPath("images")
        cleanPath(folder)
        write_particle_list(self._listFile(), self.inputParticles.get(), folder)
        self._remember()

    def rankStep(self, signature: str, choice: str) -> None:
        """Score the images, by the core; those that it has scored are not scored again."""
        values = {**self._rankParams(), "resume": True}
        if values["map"]:
            values["map"] = volume_file(self.inputVolume.get(), self._getExtraPath("volume"))
        job = Job("rank", values, (), self.getFolder())
        threads = self.numberOfThreads.get()
        self._runCore(job, self._getExtraPath("rank.json"), self.useGpu.get(), threads)

    def createOutputStep(self, signature: str, choice: str) -> None:
        """Register the kept and the dropped particles."""
        for name in (KEPT, DROPPED):
            if self.hasAttribute(name):
                self.deleteOutput(getattr(self, name))
        chosen = self.getScores()["kept"] > 0
        for name, suffix, are_chosen in ((KEPT, "", chosen), (DROPPED, "_dropped", ~chosen)):
            if are_chosen.any():
                self._register(name, suffix, are_chosen)

    def _register(self, name: str, suffix: str, chosen: np.ndarray) -> None:
        """Make an output of some particles, with their scores."""
        pointer, scores = self.inputParticles, self.getScores()
        particles = self._createSetOfParticles(suffix)
        particles.copyInfo(pointer.get())
        for row, particle in enumerate(pointer.get()):
            if chosen[row]:
                set_scores(particle, scores, row)
                particles.append(particle)
        self._defineOutputs(**{name: particles})
        self._defineSourceRelation(pointer, particles)

    # --------------------------- for the viewer -------------------------------
    def getFolder(self) -> str:
        """Folder of the scores and of the report, relative to the project."""
        return self._getExtraPath("ranked")

    def getScores(self) -> Dict[str, np.ndarray]:
        """Scores of all particles by name, in their order.

        Raises
        ------
        InputError
            If there are none yet.
        """
        return read_scores(self.getFolder())

    def getSelection(self) -> Selection:
        """The selection of the run."""
        record = record_from_dict(RankParams, self._rankParams())
        return select(
            self.getScores(), record.score, record.fraction, record.threshold, record.purity
        )

    def registerSelection(self, selection: Selection) -> str:
        """Make another output of the particles that a selection keeps; its name.

        Raises
        ------
        InputError
            If it keeps none.
        """
        if not selection.chosen.any():
            raise InputError("expected a threshold that keeps particles: move it")
        number = 2
        while self.hasAttribute(f"{KEPT}{number}"):
            number += 1
        self._register(f"{KEPT}{number}", str(number), selection.chosen)
        self._store()
        return f"{KEPT}{number}"

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if self.inputParticles.get() is None:
            return []  # Scipion itself says that it is missing
        errors = self._modelErrors() + self._gpuErrors() + self._poseErrors()
        if errors:
            return errors
        try:
            record_from_dict(RankParams, self._rankParams())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _poseErrors(self) -> List[str]:
        """What is missing for a comparison with a volume."""
        particles = self.inputParticles.get()
        if self.inputVolume.get() is None:
            return []
        if not (particles.hasAlignmentProj() and particles.hasCTF()):
            return ["The volume needs particles with orientations and CTFs: leave it out."]
        if self.aligned_to.get() is None:
            return ["Say to which resolution the particles were aligned, or leave the volume out."]
        return []

    def _warnings(self) -> List[str]:
        return self._continueWarnings() + self._diameterWarnings(self.diameter.get())

    def _summary(self) -> List[str]:
        if not self.hasAttribute(KEPT):
            return ["No particles yet."]
        total = self.inputParticles.get().getSize()
        kept = getattr(self, KEPT).getSize()
        lines = [
            f"*{counted(kept, 'particle')}* of {total} kept: {self.getSelection().in_words()}."
        ]
        lines.append(bias_of(self.getScores()))
        failures = self._failuresIn(self.getFolder())
        for stack, message in list(failures.items())[:1]:
            count = counted(len(failures), "stack")
            lines.append(f"*{count} could not be read*, such as {stack}: {message}.")
        return lines

    def _methods(self) -> List[str]:
        if not self.hasAttribute(KEPT):
            return []
        kept = counted(getattr(self, KEPT).getSize(), "particle")
        return [
            f"With CryoSegment, {kept} of {self.inputParticles.get().getSize()} were kept by their "
            f"images (model {self._modelName()}): {self.getSelection().in_words()}."
        ]

    def _citations(self) -> List[str]:
        return ["particleSeg"]

    # --------------------------- UTILS functions -----------------------------
    def _listFile(self) -> str:
        return self._getExtraPath("particles.star")

    def _choice(self) -> Dict[str, Any]:
        """What chooses among the scores."""
        names = ("score", "keep", "threshold", "purity")
        return {name: value for name, value in self._given().items() if name in names}

    def _given(self) -> Dict[str, Any]:
        given = form_values(self, RankParams, are_hidden=True).items()
        return {name: value for name, value in given if value is not None}

    def _rankParams(self) -> Dict[str, Any]:
        """Parameters of the job."""
        values = {**self._given(), "particles": self._listFile(), "model": self._model()}
        volume = self.inputVolume.get()
        values["map"] = "" if volume is None else volume.getFileName()
        return {**values, "threads": self.numberOfThreads.get(), **self._cpuParams()}

    def _signature(self) -> str:
        """Everything that the scores depend on."""
        scored = {k: v for k, v in self._given().items() if k not in self._choice()}
        inputs = [identity(each) for each in (self.inputParticles, self.inputVolume)]
        facts = [scored, self._model(), *inputs]
        return json.dumps(facts, sort_keys=True)
