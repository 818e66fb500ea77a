# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a model of particle images on refined particles."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from pwem.objects import SetOfParticles
from pyworkflow.constants import BETA
from pyworkflow.protocol import params
from pyworkflow.utils import cleanPath

from cryosegment.convert import card_lines
from cryosegment.core_files import volume_file
from cryosegment.exchange.card import PARTICLE_IMAGES, read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import PARTICLES
from cryosegment.exchange.params import LabelsProjectParams, TrainParticlesParams, free_to_change
from cryosegment.exchange.wording import counted
from cryosegment.objects import SegmentationModel
from cryosegment.particle_sets import append_masks, write_particle_list
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.remembered import identity
from cryosegment.protocols.trained_model import MODEL_SCRATCH, TrainedModel

MASKS = "outputMasks"
ADVANCED = {"expertLevel": params.LEVEL_ADVANCED}
BODY = (
    ("map_threshold", "mapThreshold", "Threshold of the map"),
    ("low_pass", "lowPass", "Low-pass"),
    ("dilation", "dilation", "Dilation"),
    ("footprint", "footprint", "Footprint"),
    ("edge_width", "edgeWidth", "Width of the edge"),
)
"""Parameter, form field and label of how a particle's footprint is made."""
LEARNING = (
    ("particles", "particles", "Most particles"),
    ("batch", "batch", "Batch"),
    ("learning_rate", "learningRate", "Learning rate"),
    ("patience", "patience", "Patience"),
    ("seed", "seed", "Seed"),
)
"""Likewise of how a network learns."""


class CryoSegmentProtTrainParticles(CoreRun, TrainedModel, GpuChoice):
    """Train a model that tells signal, edge and background in images of your own particles.

    *Input*: refined particles with orientations, and their map or a 3-D mask. Its projection in the
    orientation of each particle says where the signal is; nothing has to be drawn.

    *Outputs*: *outputModel*, for *rank particles*: the best network by overlap with the classes, on
    particles of micrographs that were kept for validation. *outputMasks*, before the training: the
    particles with their masks (1: signal, 3: edge) for images, to look at.

    Such a model gives the edge-to-signal ratio and the other scores that come from the classes, not
    the quality: refined particles do not show what bad ones look like.

    *Continue* resumes an interrupted training.
    """

    _label = "train particle model"
    _devStatus = BETA
    _possibleOutputs = {"outputModel": SegmentationModel, MASKS: SetOfParticles}
    _shippedModel = PARTICLES
    _task = PARTICLE_IMAGES

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        for name, kind, label, text in (
            ("inputParticles", "SetOfParticles", "Refined particles", "With orientations."),
            ("inputVolume", "Volume", "Volume", "Map that gave the orientations."),
            ("inputMask", "VolumeMask", "Mask", "3-D mask in place of a threshold of the map."),
        ):
            form.addParam(
                name,
                params.PointerParam,
                pointerClass=kind,
                allowsNull=name != "inputParticles",
                label=label,
                help=text,
            )
        add_field(form, TrainParticlesParams, "contrast", "Contrast", **ADVANCED)
        for name, attribute, label in BODY:
            add_field(form, LabelsProjectParams, name, label, attribute, **ADVANCED)
        form.addSection(label="Training")
        for name in ("minutes", "epochs"):
            label = "Minutes" if name == "minutes" else "Or epochs"
            add_field(form, TrainParticlesParams, name, label, allowsNull=True)
        add_field(form, TrainParticlesParams, "validation", "Validation fraction")
        for name, attribute, label in LEARNING:
            add_field(form, TrainParticlesParams, name, label, attribute, **ADVANCED)
        form.addSection(label="Model")
        self._defineNetworkParams(form)
        self._defineGpuParams(form, cpu="which takes minutes", gpus="The first of them is taken.")
        form.addParallelSection(threads=2, mpi=0)

    def _defineNetworkParams(self, form: params.Form) -> None:
        self._defineStartParams(form, "random weights.", "particles")
        scratch = {"condition": f"modelSource == {MODEL_SCRATCH}"}
        for name in ("network", "encoder", "branches"):
            add_field(form, TrainParticlesParams, name, name.capitalize(), **scratch)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        self._insertFunctionStep(self.maskStep, self._maskSignature(), needsGPU=False)
        signature = self._signature()
        self._insertFunctionStep(self.trainStep, signature, needsGPU=self.useGpu.get())
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)

    def maskStep(self, signature: str) -> None:
        """Write a mask for the image of every particle, by the core."""
        particles = self._getExtraPath("particles.star")
        images = self._getExtraPath("images")
        cleanPath(images, self.getMasksFolder())
        write_particle_list(particles, self.inputParticles.get(), images)
        values = {**self._bodyValues(), "particles": particles, "gpu": "cpu"}
        for name, pointer in (("map", self.inputVolume), ("mask", self.inputMask)):
            if pointer.get() is not None:
                values[name] = volume_file(pointer.get(), self._getExtraPath("volumes", name))
        job = Job("labels project", values, (), self.getMasksFolder())
        self._runCore(job, self._getExtraPath("masks.json"), threads=self.numberOfThreads.get())
        masks = self._createSetOfParticles("_masks")
        masks.copyInfo(self.inputParticles.get())
        append_masks(masks, self.inputParticles.get(), particles, self.getMasksFolder())
        self._defineOutputs(**{MASKS: masks})
        self._defineSourceRelation(self.inputParticles, masks)

    def trainStep(self, signature: str) -> None:
        """Train, or continue the same training."""
        values = {**self._trainValues(), "resume": self._beginOrContinue()}
        job = Job("train particles", values, (self.getMasksFolder(),), self._modelPath())
        threads = self.numberOfThreads.get()
        self._runCore(job, self._getExtraPath("train.json"), self.useGpu.get(), threads)

    def createOutputStep(self, signature: str) -> None:
        """Register the model, with what its card says."""
        self._defineModel([self.inputParticles])

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        if self.inputParticles.get() is None:
            return []  # Scipion itself says that it is missing
        errors = []
        if not self.inputParticles.get().hasAlignmentProj():
            errors.append("The particles have no orientations: give those of a 3-D refinement.")
        if self.inputVolume.get() is None and self.inputMask.get() is None:
            errors.append("Choose the volume that the particles were refined against, or a mask.")
        errors += self._modelNameErrors() + self._gpuErrors() + self._modelErrors()
        if errors:
            return errors
        try:
            TrainParticlesParams(**self._trainValues())
            LabelsProjectParams(particles="file", **self._bodyValues())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return [*self._maskLines(), "No model yet."]
        card = read_card(self._modelPath())
        data, found = card.provenance.training_data[0], card.provenance.metrics[0]
        return [
            *card_lines(card),
            f"Trained on {counted(data['particles'], 'particle')} of "
            f"{counted(data['micrographs'], 'micrograph')}, validated on "
            f"{counted(data['validation particles'], 'particle')} of {data['validation']} more.",
            *self._maskLines(),
            f"Mean overlap (IoU) {found['value']:.3f} on the {found['data']}.",
        ]

    def _maskLines(self) -> List[str]:
        if not self.hasAttribute(MASKS):
            return []
        count, total = getattr(self, MASKS).getSize(), self.inputParticles.get().getSize()
        return [f"Masks for {count} of {counted(total, 'particle')}."]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputModel"):
            return []
        return [
            "A model of particle images was trained with CryoSegment on projections of the map, "
            f"starting from {self._start()}."
        ]

    def _citations(self) -> List[str]:
        return ["particleSeg"]

    # --------------------------- UTILS functions -----------------------------
    def getMasksFolder(self) -> str:
        """Folder of the masks, relative to the project."""
        return self._getExtraPath("masks")

    def _bodyValues(self) -> Dict[str, Any]:
        """Parameters of the masks."""
        return form_values(self, LabelsProjectParams)

    def _trainValues(self) -> Dict[str, Any]:
        """Parameters of the training."""
        given = form_values(self, TrainParticlesParams).items()
        values = {name: value for name, value in given if value is not None}
        return {**values, "start": self._model(), **self._cpuParams()}

    def _maskSignature(self) -> str:
        """Everything that the masks depend on."""
        inputs = [identity(p) for p in (self.inputParticles, self.inputVolume, self.inputMask)]
        return json.dumps([self._bodyValues(), inputs], sort_keys=True)

    def _signature(self) -> str:
        """What must be the same to continue a training, and then what may change."""
        values = self._trainValues()
        free = [name for name in free_to_change(TrainParticlesParams) if name in values]
        later = {name: values.pop(name) for name in free}
        facts = [values, self._maskSignature(), self._modelPath()]
        return json.dumps([facts, later], sort_keys=True)
