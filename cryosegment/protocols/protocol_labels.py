# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels for training, from coordinates or from a reconstruction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

from pwem.objects import SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Pointer
from pyworkflow.protocol import params

from cryosegment.convert import (
    has_pick_scores,
    micrographs_by_name,
    refined_particles,
    scaled_coordinates,
)
from cryosegment.core_files import template_file, template_image, volume_file
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import read_text
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import SUMMARY_NAME
from cryosegment.exchange.particles import (
    is_cryosparc,
    read_particles,
    split_by_micrograph,
    write_particles,
)
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.wording import counted
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.labels_form import (
    SHAPE_ELLIPSE,
    SHAPE_TEMPLATE,
    SOURCE_COORDINATES,
    SOURCE_RECONSTRUCTION,
    LabelsForm,
)
from cryosegment.protocols.labels_run import LabelsRun
from cryosegment.protocols.messages import PICKED_WARNING
from cryosegment.protocols.remembered import identity

INPUTS = {
    SOURCE_COORDINATES: ("inputCoordinates", "inputTemplate"),
    SOURCE_RECONSTRUCTION: ("inputParticles", "inputVolume", "inputMask"),
}
"""Form fields of the inputs besides the micrographs, by source."""


class CryoSegmentProtLabels(LabelsRun, LabelsForm):
    """Make label maps of micrographs, on which a segmentation model can be trained.

    *coordinates*: every particle is labelled as a disc, an ellipse or the silhouette of a template.
    *reconstruction*: every refined particle is labelled as the projection of the map or mask in its
    orientation, at its refined centre. Nothing has to be drawn.

    *Output*: *outputMasks*, the pixels of each particle; all label maps are in extra/labels.
    """

    _label = "label micrographs"
    _devStatus = BETA
    _possibleOutputs = {"outputMasks": SetOfMicrographMasks}

    # --------------------------- DEFINE param functions ----------------------
    def _defineParams(self, form: params.Form) -> None:
        form.addSection(label="Input")
        form.addParam(
            "source",
            params.EnumParam,
            choices=["coordinates", "reconstruction"],
            default=SOURCE_COORDINATES,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Labels from",
            help="*coordinates*: a disc for every particle.\n*reconstruction*: the footprint of "
            "every refined particle.",
        )
        form.addParam(
            "inputMicrographs",
            params.PointerParam,
            pointerClass="SetOfMicrographs",
            allowsNull=True,
            label="Micrographs",
            help="Those to label. For *coordinates* they may be left out: the coordinates' own.",
        )
        self._defineInputParams(form)
        self._defineParticleParams(form)
        self._defineAreaParams(form)
        form.addParallelSection(threads=2, mpi=0)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = self._signature()
        self._insertFunctionStep(self.labelStep, signature, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, signature, needsGPU=False)
        if self.checkLabels:
            self._insertFunctionStep(self.checkStep, signature, needsGPU=False)

    def labelStep(self, signature: str) -> None:
        """Write the label maps, by the core."""
        self._remember()
        if self.source == SOURCE_COORDINATES:
            values = self._values()
            if self.shape == SHAPE_TEMPLATE:
                image = template_image(self.inputTemplate.get(), self.templateNumber.get())
                values["template"] = template_file(image, self._getExtraPath("template.mrc"))
            records = scaled_coordinates(
                self.inputCoordinates.get(), self._micrographs(), self.ownDiameters.get()
            )
            self._labelCoordinates(records, self._micrographs(), values)
        else:
            self._labelReconstruction()

    def _labelReconstruction(self) -> None:
        micrographs = self._micrographs()
        path = self.particlesFile.get()
        if path:
            particles = read_particles(path, self.passthrough.get())
        else:
            path = self._getExtraPath("particles.star")
            particles = refined_particles(self.inputParticles.get(), micrographs)
            write_particles(path, particles)
        values = {**self._values(), "particles": path, "gpu": "cpu"}
        for name, pointer in (("map", self.inputVolume), ("mask", self.inputMask)):
            if pointer.get() is not None:
                values[name] = volume_file(pointer.get(), self._getExtraPath("volumes", name))
        own, elsewhere = split_by_micrograph(particles, list(micrographs_by_name(micrographs)))
        if not own:
            named = min(elsewhere.micrographs)
            raise RuntimeError(
                f"none of the particles lies on the micrographs: they name {named} and others"
            )
        self._runLabels("labels reconstruction", values, micrographs, list(own))

    def createOutputStep(self, signature: str) -> None:
        """Register the instance maps."""
        pointer = self._micrographsPointer()
        self._defineMasks(self.getLabelsFolder(), pointer)
        self._defineSourceRelation(pointer, self.outputMasks)

    def checkStep(self, signature: str) -> None:
        """Compare the labels with their micrographs and with a segmentation."""
        folder = self.getLabelsFolder()
        self._runOnce(Job("labels check", {"gpu": "cpu"}, (folder,), self.getQualityFolder()))

    # --------------------------- INFO functions ------------------------------
    def _warnings(self) -> List[str]:
        warnings = self._continueWarnings()
        is_picked = self.source == SOURCE_COORDINATES and self.minPickScore.get() is None
        if is_picked and has_pick_scores(self.inputCoordinates.get()):
            warnings.append(PICKED_WARNING)
        return warnings

    def _validate(self) -> List[str]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        if not is_reconstruction and None in (self.inputCoordinates.get(), self.diameter.get()):
            return []  # Scipion itself says that it is missing
        errors = self._reconstructionErrors() if is_reconstruction else self._shapeErrors()
        errors = errors or self._contaminationErrors()
        if errors:
            return errors
        try:
            record_from_dict(self._record(), {**self._values(), self._recordInput(): "file"})
        except CryoSegmentError as error:
            return [str(error)]
        return self._nameErrors(self._micrographs())

    def _shapeErrors(self) -> List[str]:
        if self.shape == SHAPE_ELLIPSE and not self.ellipse.get():
            return ["Give the short diameter of the ellipses."]
        if self.shape != SHAPE_TEMPLATE:
            return []
        if self.inputTemplate.get() is None:
            return ["Choose a template."]
        try:
            template_image(self.inputTemplate.get(), self.templateNumber.get())
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _reconstructionErrors(self) -> List[str]:
        errors = self._particleErrors()
        if self.inputMicrographs.get() is None:
            errors.append("Choose the micrographs that the particles come from.")
        if self.inputVolume.get() is None and self.inputMask.get() is None:
            errors.append("Choose the volume that the particles were refined against, or a mask.")
        return errors

    def _particleErrors(self) -> List[str]:
        particles, path = self.inputParticles.get(), self.particlesFile.get()
        if (particles is None) == (not path):
            return ["Choose either *Refined particles* or their file."]
        if not path and not particles.hasAlignmentProj():
            return ["The particles have no orientations: give those of a 3-D refinement."]
        try:
            if path:
                is_cryosparc(path)
        except CryoSegmentError as error:
            return [str(error)]
        return []

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return ["No labels yet.", *self._failureLines()]
        masks = [(mask.getParticles(), mask.getCoverage()) for mask in self.outputMasks]
        coverage = sum(part for _, part in masks) / max(len(masks), 1)
        lines = [
            f"*{counted(sum(count for count, _ in masks), 'particle')}* labelled in "
            f"{counted(len(masks), 'micrograph')}, {coverage:.0%} of the area."
        ]
        path = Path(self.getLabelsFolder()) / SUMMARY_NAME
        if path.exists():
            report = json.loads(read_text(path))
            why = ", ".join(f"{count} {reason}" for reason, count in report["rejected"].items())
            lines.append(f"Rejected: {why or 'none'}. Diameter: {report['diameter']:.0f} Å.")
            lines += map(self.inFormWords, report["notes"])
        return lines + self._qualityLines() + self._failureLines()

    def _qualityLines(self) -> List[str]:
        path = Path(self.getQualityFolder()) / "quality.json"
        if not path.exists():
            return []
        quality = json.loads(read_text(path))
        lines = []
        if quality["supported"] is not None:
            lines.append(f"The general model finds {quality['supported']:.0%} of them.")
        return lines + [f"*Quality*: {self.inFormWords(note)}" for note in quality["notes"]]

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return []
        shape = self.getEnumText("shape")
        kind = f"{shape} at their coordinates", "footprints of their reconstruction"
        return [
            f"Particles in {counted(self.outputMasks.getSize(), 'micrograph')} were labelled by "
            f"{kind[self.source.get()]} with CryoSegment."
        ]

    def _citations(self) -> List[str]:
        return ["Chung2025"]

    # --------------------------- UTILS functions -----------------------------
    def _signature(self) -> str:
        """Everything that the labels depend on."""
        pointers = [getattr(self, name) for name in INPUTS[self.source.get()]]
        inputs = [identity(pointer) for pointer in (self._micrographsPointer(), *pointers)]
        own = (self.shape, self.templateNumber, self.ownDiameters, self.particlesFile)
        facts = [self._values(), inputs, *(field.get() for field in own)]
        facts.append(identity(self.inputContamination))
        return json.dumps(facts, sort_keys=True)

    def _micrographs(self) -> SetOfMicrographs:
        return self._micrographsPointer().get()

    def _micrographsPointer(self) -> Pointer:
        if self.inputMicrographs.get() is not None:
            return self.inputMicrographs
        return self.inputCoordinates.get().getMicrographs(asPointer=True)
