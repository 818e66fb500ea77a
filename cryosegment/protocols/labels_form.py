# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields of labels, and the job parameters that are made of them."""

from __future__ import annotations

from typing import Any, Dict, Type

from pyworkflow.protocol import params

from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsParams,
    LabelsReconstructionParams,
    Params,
)
from cryosegment.protocols.contamination_choice import ContaminationChoice
from cryosegment.protocols.form_fields import add_field, form_values

SOURCE_COORDINATES, SOURCE_RECONSTRUCTION = 0, 1
SHAPE_DISC, SHAPE_ELLIPSE, SHAPE_TEMPLATE = 0, 1, 2

FOOTPRINT_FIELDS = (
    ("classes", "classes", "Classes"),
    ("map_threshold", "mapThreshold", "Threshold of the map"),
    ("low_pass", "lowPass", "Low-pass"),
    ("dilation", "dilation", "Dilation"),
    ("footprint", "footprint", "Footprint"),
    ("thickness", "thickness", "Thickness, for fixed"),
    ("recenter", "recenter", "Use centres of mass?"),
    ("y_up", "yUp", "Flip y?"),
)
SCORE_FIELDS = (
    ("unknown_ring", "footprintRing", "Unknown ring (diameters)"),
    ("min_score", "minScore", "Smallest score"),
)
COMMON_FIELDS = (
    ("edge_width", "edgeWidth", "Width of the edge class"),
    ("unknown_outside", "unknownOutside", "Unknown far from particles?"),
    ("min_distance", "minDistance", "Smallest distance (diameters)"),
)
"""Parameter, form field and label of the expert fields."""
EXPERTS = {"expertLevel": params.LEVEL_ADVANCED}
ONLY = {
    source: {"condition": f"source == {source}"}
    for source in (SOURCE_COORDINATES, SOURCE_RECONSTRUCTION)
}
"""Condition that labels are made from this source."""


class LabelsForm(ContaminationChoice):
    """Form fields of labels from coordinates and from a reconstruction."""

    _label = None

    def _defineInputParams(self, form: params.Form) -> None:
        self._definePointer(
            form,
            "inputCoordinates",
            "SetOfCoordinates",
            "Coordinates",
            "Everything without a coordinate is taken for background, unless labels are declared "
            "partial in training. Micrographs without coordinates are left out.",
            **ONLY[SOURCE_COORDINATES],
        )
        reconstruction = ONLY[SOURCE_RECONSTRUCTION]
        self._definePointer(
            form,
            "inputParticles",
            "SetOfParticles",
            "Refined particles",
            "Particles with orientations, from a 3-D refinement or classification. They should "
            "include all good particles: others are taken for background.",
            allowsNull=True,
            **reconstruction,
        )
        self._defineFileParams(form)
        for name, kind, label, text in (
            (
                "inputVolume",
                "Volume",
                "Volume",
                "Map of the refinement that gave the orientations.",
            ),
            (
                "inputMask",
                "VolumeMask",
                "Mask",
                "3-D mask that gives the particle's shape; replaces the threshold of the map.",
            ),
        ):
            self._definePointer(form, name, kind, label, text, allowsNull=True, **reconstruction)

    @staticmethod
    def _defineFileParams(form: params.Form) -> None:
        reconstruction = ONLY[SOURCE_RECONSTRUCTION]
        form.addParam(
            "particlesFile",
            params.FileParam,
            label="or their file",
            help="Particles of CryoSPARC (.cs) or RELION (.star) as their job wrote them, in place "
            "of *Refined particles*. What a job of CryoSPARC passed through is read from the file "
            "beside it.",
            **reconstruction,
        )
        add_field(
            form,
            LabelsReconstructionParams,
            "passthrough",
            "Passthrough file",
            **reconstruction,
            **EXPERTS,
        )

    @staticmethod
    def _definePointer(
        form: params.Form, name: str, kind: str, label: str, text: str, **options: Any
    ) -> None:
        form.addParam(
            name, params.PointerParam, pointerClass=kind, label=label, help=text, **options
        )

    def _defineParticleParams(self, form: params.Form) -> None:
        form.addSection(label="Particles")
        only, record = ONLY[SOURCE_COORDINATES], LabelsCoordinatesParams
        add_field(form, record, "diameter", "Particle diameter", allowsPointers=True, **only)
        self._defineShapeParams(form, only["condition"])
        form.addParam(
            "ownDiameters",
            params.BooleanParam,
            default=False,
            label="Diameters of the picks?",
            help="Give every particle the diameter that CryoSegment measured when picking it.",
            **only,
            **EXPERTS,
        )
        only, record = ONLY[SOURCE_RECONSTRUCTION], LabelsReconstructionParams
        add_field(
            form,
            record,
            "coordinate_scale",
            "Coordinates in pixels of",
            "coordinateScale",
            help="Particles extracted in Scipion have coordinates in pixels of the particle "
            "images, those of an imported STAR file in pixels of the micrographs.",
            **only,
        )
        for name, attribute, label in FOOTPRINT_FIELDS:
            add_field(form, record, name, label, attribute, **only, **EXPERTS)

    def _defineShapeParams(self, form: params.Form, is_chosen: str) -> None:
        form.addParam(
            "shape",
            params.EnumParam,
            choices=["discs", "ellipses", "template"],
            default=SHAPE_DISC,
            display=params.EnumParam.DISPLAY_HLIST,
            condition=is_chosen,
            label="Particles are",
            help="*ellipses*, *template*: rotated by the angles of the coordinates, if they have "
            "any (RELION's psi).",
        )
        add_field(
            form,
            LabelsCoordinatesParams,
            "ellipse",
            "Short diameter",
            allowsNull=True,
            condition=f"{is_chosen} and shape == {SHAPE_ELLIPSE}",
        )
        is_template = f"{is_chosen} and shape == {SHAPE_TEMPLATE}"
        self._definePointer(
            form,
            "inputTemplate",
            "SetOfAverages,SetOfClasses2D",
            "Template",
            "Class averages. Particles get the silhouette of one of them, scaled to the diameter.",
            allowsNull=True,
            condition=is_template,
        )
        form.addParam(
            "templateNumber",
            params.IntParam,
            default=0,
            condition=is_template,
            label="Number of the class",
            help="Number of the average. 0: that of the largest class, or the first average.",
        )

    def _defineAreaParams(self, form: params.Form) -> None:
        form.addSection(label="Areas")
        self._defineContaminationParam(
            form,
            "Its contamination is labelled as such, and particles on it are left out, so that "
            "models learn to avoid it.",
        )
        coordinates = {**ONLY[SOURCE_COORDINATES], **EXPERTS}
        record = LabelsCoordinatesParams
        add_field(form, record, "unknown_ring", SCORE_FIELDS[0][2], "ring", **coordinates)
        add_field(
            form,
            record,
            "min_score",
            SCORE_FIELDS[1][2],
            "minPickScore",
            allowsNull=True,
            help="Empty: the coordinates were checked by hand.",
            **coordinates,
        )
        for name, attribute, label in SCORE_FIELDS:
            options = {**ONLY[SOURCE_RECONSTRUCTION], **EXPERTS, "allowsNull": name == "min_score"}
            add_field(form, LabelsReconstructionParams, name, label, attribute, **options)
        for name, attribute, label in COMMON_FIELDS:
            add_field(form, record, name, label, attribute, shared=LabelsParams, **EXPERTS)
        form.addParam(
            "checkLabels",
            params.BooleanParam,
            default=True,
            label="Check the labels?",
            help="Measure their contrast, and their agreement with the general model: about a "
            "second per micrograph.",
        )

    def _record(self) -> Type[Params]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        return LabelsReconstructionParams if is_reconstruction else LabelsCoordinatesParams

    def _recordInput(self) -> str:
        return "particles" if self.source == SOURCE_RECONSTRUCTION else "coordinates"

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        contamination = self._contaminationFolder()
        return {**form_values(self, self._record()), "contamination": contamination}
