# SPDX-License-Identifier: GPL-3.0-or-later
"""How to label: the form's fields, and the parameters of the job that they are."""

from __future__ import annotations

from typing import Any, Dict, List, Type

from pwem.protocols import EMProtocol
from pyworkflow.protocol import params

from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsReconstructionParams,
    Params,
)
from cryosegment.protocols.form_fields import add_field, field_choices, numbers

SOURCE_COORDINATES, SOURCE_RECONSTRUCTION = 0, 1
SHAPE_DISC, SHAPE_ELLIPSE, SHAPE_TEMPLATE = 0, 1, 2

FOOTPRINT_FIELDS = (
    ("map_threshold", "mapThreshold", "Threshold of the map"),
    ("low_pass", "lowPass", "Low-pass"),
    ("dilation", "dilation", "Dilation"),
    ("footprint", "footprint", "Footprint"),
    ("thickness", "thickness", "Thickness, for fixed"),
    ("unknown_ring", "footprintRing", "Unknown ring (diameters)"),
    ("min_score", "minScore", "Smallest score"),
    ("recenter", "recenter", "Centres of mass as centres?"),
    ("y_up", "yUp", "Flip y?"),
)
COMMON_FIELDS = (
    ("min_distance", "minDistance", "Smallest distance (diameters)"),
    ("edge_width", "edgeWidth", "Width of the edge class"),
    ("unknown_outside", "unknownOutside", "Unknown far from particles?"),
)
"""Parameter, form field and label of what is for experts."""


class LabelsForm(EMProtocol):
    """Form fields of labels from coordinates and from a reconstruction."""

    _label = None

    def _defineCoordinatesParams(self, form: params.Form) -> None:
        is_chosen = f"source == {SOURCE_COORDINATES}"
        condition = {"condition": is_chosen}
        form.addParam(
            "inputCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            label="Coordinates",
            help="What has no coordinate is taken for background, unless the training is told that "
            "labels are partial. Micrographs without coordinates are left out.",
            **condition,
        )
        record = LabelsCoordinatesParams
        add_field(form, record, "diameter", "Particle diameter", allowsPointers=True, **condition)
        self._defineShapeParams(form, is_chosen)
        advanced = {**condition, "expertLevel": params.LEVEL_ADVANCED}
        form.addParam(
            "ownDiameters",
            params.BooleanParam,
            default=False,
            label="Diameters of the coordinates?",
            help="Every particle has the diameter that CryoSegment has measured in picking it.",
            **advanced,
        )
        add_field(
            form,
            record,
            "min_score",
            "Smallest score",
            "minPickScore",
            allowsNull=True,
            help="Empty: somebody has looked at the coordinates.",
            **advanced,
        )
        add_field(form, record, "unknown_ring", "Unknown ring (diameters)", "ring", **advanced)

    def _defineShapeParams(self, form: params.Form, is_chosen: str) -> None:
        form.addParam(
            "shape",
            params.EnumParam,
            choices=["discs", "ellipses", "template"],
            default=SHAPE_DISC,
            display=params.EnumParam.DISPLAY_HLIST,
            condition=is_chosen,
            label="Particles are",
            help="*ellipses*, *template*: turned by the coordinates' angles, where they have any "
            "(RELION's psi).",
        )
        add_field(
            form,
            LabelsCoordinatesParams,
            "ellipse",
            "Short diameter",
            allowsNull=True,
            condition=f"{is_chosen} and shape == {SHAPE_ELLIPSE}",
        )
        form.addParam(
            "inputTemplate",
            params.PointerParam,
            pointerClass="Particle",
            allowsNull=True,
            condition=f"{is_chosen} and shape == {SHAPE_TEMPLATE}",
            label="Template",
            help="A class average or 2D mask. Its silhouette is scaled to the diameter.",
        )

    def _defineReconstructionParams(self, form: params.Form) -> None:
        condition = {"condition": f"source == {SOURCE_RECONSTRUCTION}"}
        for name, kind, label, is_optional, text in (
            (
                "inputParticles",
                "SetOfParticles",
                "Refined particles",
                False,
                "Particles with orientations, from a 3-D refinement or classification. All that "
                "are good should be among them: what is left out is taken for background.",
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
        self._defineFootprintParams(form.addGroup("Footprints", **condition), condition)

    def _defineFootprintParams(self, group: Any, condition: Dict[str, Any]) -> None:
        record = LabelsReconstructionParams
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
        advanced = {**condition, "expertLevel": params.LEVEL_ADVANCED}
        add_field(group, record, "classes", "Classes", **advanced)
        for name, attribute, label in FOOTPRINT_FIELDS:
            is_optional = name == "min_score"
            add_field(group, record, name, label, attribute, allowsNull=is_optional, **advanced)

    def _defineCommonParams(self, form: params.Form) -> None:
        form.addParam(
            "contamination",
            params.FolderParam,
            allowsNull=True,
            label="Contamination maps",
            help="Folder of maps (MRC or PNG, 1 where there is some), named after the micrographs: "
            "extra/contamination of a picking that has saved masks, or those of another program. "
            "Particles in it are left out, and a model learns to avoid it.",
        )
        for name, attribute, label in COMMON_FIELDS:
            add_field(
                form,
                LabelsCoordinatesParams,
                name,
                label,
                attribute,
                expertLevel=params.LEVEL_ADVANCED,
            )

    def _record(self) -> Type[Params]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        return LabelsReconstructionParams if is_reconstruction else LabelsCoordinatesParams

    def _recordInput(self) -> str:
        return "particles" if self.source == SOURCE_RECONSTRUCTION else "coordinates"

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        values = {name: getattr(self, field).get() for name, field, _ in COMMON_FIELDS}
        values["contamination"] = self.contamination.get() or ""
        if self.source == SOURCE_COORDINATES:
            values.update(
                diameter=self.diameter.get(),
                unknown_ring=self.ring.get(),
                min_score=self.minPickScore.get(),
            )
            if self.shape == SHAPE_ELLIPSE:
                values["ellipse"] = self.ellipse.get()
            return values
        values["coordinate_scale"] = self.getEnumText("coordinateScale")
        values["classes"] = _whole(numbers(self.classes.get()))
        for name, attribute, _ in FOOTPRINT_FIELDS:
            is_choice = field_choices(LabelsReconstructionParams, name)
            value = getattr(self, attribute).get()
            values[name] = self.getEnumText(attribute) if is_choice else value
        return values


def _whole(values: List[float]) -> List[Any]:
    """Whole numbers as int; others stay, so that the parameters refuse them."""
    return [int(value) if value.is_integer() else value for value in values]
