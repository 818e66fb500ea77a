# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels to train on, from coordinates or from a reconstruction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Type

from pwem.objects import SetOfMicrographs
from pyworkflow.constants import BETA
from pyworkflow.object import Pointer
from pyworkflow.protocol import params

from cryosegment.convert import micrographs_by_name, refined_particles, volume_file
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.files import read_text
from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsReconstructionParams,
    Params,
)
from cryosegment.exchange.particles import write_particles
from cryosegment.objects import SetOfMicrographMasks
from cryosegment.protocols.core_run import CoreRun
from cryosegment.protocols.form_fields import add_field, field_choices

SOURCE_COORDINATES, SOURCE_RECONSTRUCTION = 0, 1

RULES = {
    "coordinateScale": "coordinate_scale",
    "mapThreshold": "map_threshold",
    "lowPass": "low_pass",
    "dilation": "dilation",
    "footprint": "footprint",
    "footprintRing": "unknown_ring",
    "minDistance": "min_distance",
    "recenter": "recenter",
}
"""Form fields of the source reconstruction, and the parameters that they are."""


class CryoSegmentProtLabels(CoreRun):
    """Make label maps of micrographs, on which a segmentation model can be trained.

    *coordinates*: a disc for every particle.
    *reconstruction*: the footprint of every refined particle, from its orientation and the map or
    mask, at its refined centre. Nobody has to draw anything.

    *Output*: *outputMasks*, the pixels of each particle; all label maps are in extra/labels.
    """

    _label = "training labels"
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
        self._defineCoordinatesParams(form)
        self._defineReconstructionParams(form)
        form.addParallelSection(threads=2, mpi=0)

    def _defineCoordinatesParams(self, form: params.Form) -> None:
        condition = {"condition": f"source == {SOURCE_COORDINATES}"}
        form.addParam(
            "inputCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            label="Coordinates",
            help="All particles of a micrograph should be among them: what has no coordinate is "
            "taken for background. Micrographs without coordinates are left out.",
            **condition,
        )
        record = LabelsCoordinatesParams
        add_field(form, record, "diameter", "Particle diameter", allowsPointers=True, **condition)
        advanced = {**condition, "expertLevel": params.LEVEL_ADVANCED}
        add_field(form, record, "unknown_ring", "Unknown ring (diameters)", "ring", **advanced)

    def _defineReconstructionParams(self, form: params.Form) -> None:
        is_chosen = f"source == {SOURCE_RECONSTRUCTION}"
        condition = {"condition": is_chosen}
        for name, kind, label, is_optional, text in (
            (
                "inputParticles",
                "SetOfParticles",
                "Refined particles",
                False,
                "Particles with orientations, from a 3-D refinement or classification.",
            ),
            ("inputVolume", "Volume", "Volume", True, "Map that the orientations belong to."),
            (
                "inputMask",
                "VolumeMask",
                "Mask",
                True,
                "The particle's body, in place of the one found in the volume.",
            ),
        ):
            form.addParam(
                name,
                params.PointerParam,
                pointerClass=kind,
                allowsNull=is_optional,
                label=label,
                help=text,
                **condition,
            )
        group = form.addGroup("Footprints", **condition)
        record, advanced = (
            LabelsReconstructionParams,
            {**condition, "expertLevel": params.LEVEL_ADVANCED},
        )
        add_field(
            group,
            record,
            "coordinate_scale",
            "Coordinates count pixels of",
            "coordinateScale",
            help="Extraction in Scipion counts pixels of the particle, an imported STAR file "
            "those of the micrograph.",
            **condition,
        )
        add_field(
            group, record, "map_threshold", "Threshold of the map", "mapThreshold", **advanced
        )
        add_field(group, record, "low_pass", "Low-pass", "lowPass", **advanced)
        add_field(group, record, "dilation", "Dilation", **advanced)
        add_field(group, record, "footprint", "Footprint", **advanced)
        add_field(
            group, record, "unknown_ring", "Unknown ring (diameters)", "footprintRing", **advanced
        )
        add_field(
            group,
            record,
            "min_distance",
            "Smallest distance (diameters)",
            "minDistance",
            **advanced,
        )
        group.addParam(
            "minScore",
            params.StringParam,
            default="",
            label="Smallest score",
            help="Particles with a lower figure of merit become unknown. Empty: all are labelled.",
            **advanced,
        )
        add_field(group, record, "recenter", "Centres of mass as centres?", **advanced)

    # --------------------------- STEPS functions -----------------------------
    def _insertAllSteps(self) -> None:
        signature = json.dumps(self._values(), sort_keys=True)
        self._insertFunctionStep(self.labelStep, signature, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, needsGPU=False)

    def labelStep(self, signature: str) -> None:
        """Hand the particles to the core, which writes the label maps."""
        if self.source == SOURCE_COORDINATES:
            coordinates = self.inputCoordinates.get()
            self._labelCoordinates(coordinates, self._micrographs(), self._values())
        else:
            self._labelReconstruction()

    def _labelReconstruction(self) -> None:
        micrographs = self._micrographs()
        particles = refined_particles(self.inputParticles.get(), micrographs)
        path = self._getExtraPath("particles.star")
        write_particles(path, particles)
        values = {**self._values(), "particles": path, "gpu": "cpu"}
        for name, pointer in (("map", self.inputVolume), ("mask", self.inputMask)):
            if pointer.get() is not None:
                values[name] = volume_file(pointer.get(), self._getExtraPath("volumes"))
                values["map_pixel_size"] = pointer.get().getSamplingRate()
        named = set(particles.micrographs)
        names = [name for name in micrographs_by_name(micrographs) if name in named]
        if not names:
            raise RuntimeError(
                f"none of the particles lies on the micrographs: they name {min(named)} and others"
            )
        self._runLabels("labels reconstruction", values, micrographs, names)

    def createOutputStep(self) -> None:
        """Register the instance maps."""
        pointer = self._micrographsPointer()
        self._defineMasks(self.getLabelsFolder(), pointer)
        self._defineSourceRelation(pointer, self.outputMasks)

    # --------------------------- INFO functions ------------------------------
    def _validate(self) -> List[str]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        pointer = self.inputParticles if is_reconstruction else self.inputCoordinates
        if pointer.get() is None:
            return []  # Scipion itself says that it is missing
        if is_reconstruction:
            errors = self._reconstructionErrors()
            if errors:
                return errors
        try:
            values = {**self._values(), self._recordInput(): "file"}
            self._record()(**values)
        except (CryoSegmentError, TypeError, ValueError) as error:
            return [str(error)]
        return self._nameErrors(self._micrographs())

    def _reconstructionErrors(self) -> List[str]:
        errors = []
        if self.inputMicrographs.get() is None:
            errors.append("Choose the micrographs that the particles come from.")
        if not self.inputParticles.get().hasAlignmentProj():
            errors.append("The particles have no orientations: give those of a 3-D refinement.")
        if self.inputVolume.get() is None and self.inputMask.get() is None:
            errors.append("Choose the volume that the particles were refined against, or a mask.")
        return errors

    def _summary(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return ["No labels yet.", *self._failureLines()]
        masks = [(mask.getParticles(), mask.getCoverage()) for mask in self.outputMasks]
        coverage = sum(part for _, part in masks) / max(len(masks), 1)
        lines = [
            f"*{sum(count for count, _ in masks)} particles* labelled in {len(masks)} micrographs, "
            f"{coverage:.0%} of the area."
        ]
        path = Path(self.getLabelsFolder()) / "report.json"
        if path.exists():
            report = json.loads(read_text(path))
            why = ", ".join(f"{count} {reason}" for reason, count in report["rejected"].items())
            lines.append(f"Rejected: {why or 'none'}. Diameter: {report['diameter']:.0f} Å.")
            lines += report["notes"]
        return lines + self._failureLines()

    def _methods(self) -> List[str]:
        if not self.hasAttribute("outputMasks"):
            return []
        kind = "discs at their coordinates", "footprints of their reconstruction"
        return [
            f"Particles in {self.outputMasks.getSize()} micrographs were labelled by "
            f"{kind[self.source.get()]} with CryoSegment."
        ]

    def _citations(self) -> List[str]:
        return ["Chung2025"]

    # --------------------------- UTILS functions -----------------------------
    def _micrographs(self) -> SetOfMicrographs:
        return self._micrographsPointer().get()

    def _micrographsPointer(self) -> Pointer:
        if self.inputMicrographs.get() is not None:
            return self.inputMicrographs
        return self.inputCoordinates.get().getMicrographs(asPointer=True)

    def _record(self) -> Type[Params]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        return LabelsReconstructionParams if is_reconstruction else LabelsCoordinatesParams

    def _recordInput(self) -> str:
        return "particles" if self.source == SOURCE_RECONSTRUCTION else "coordinates"

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        if self.source == SOURCE_COORDINATES:
            return {"diameter": self.diameter.get(), "unknown_ring": self.ring.get()}
        values = {}
        for attribute, name in RULES.items():
            is_choice = field_choices(LabelsReconstructionParams, name)
            value = getattr(self, attribute).get()
            values[name] = self.getEnumText(attribute) if is_choice else value
        if self.minScore.get():
            values["min_score"] = float(self.minScore.get())
        return values
