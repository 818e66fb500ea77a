# SPDX-License-Identifier: GPL-3.0-or-later
"""How to label: the form's fields, and the parameters of the job that they are."""

from __future__ import annotations

from typing import Any, Dict, Type

from pwem.protocols import EMProtocol
from pyworkflow.object import String
from pyworkflow.protocol import params

from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsReconstructionParams,
    Params,
)
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


class LabelsForm(EMProtocol):
    """Form fields of labels from coordinates and from a reconstruction."""

    _label = None

    def _defineCoordinatesParams(self, form: params.Form) -> None:
        condition = {"condition": f"source == {SOURCE_COORDINATES}"}
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
        advanced = {**condition, "expertLevel": params.LEVEL_ADVANCED}
        form.addParam(
            "minPickScore",
            params.StringParam,
            default="",
            label="Smallest score",
            help="For picks that nobody has looked at, from which a model is to learn: those with "
            "a lower score become unknown, and the model is not validated on any of them. Empty: "
            "the coordinates have been looked at.",
            **advanced,
        )
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

    def _record(self) -> Type[Params]:
        is_reconstruction = self.source == SOURCE_RECONSTRUCTION
        return LabelsReconstructionParams if is_reconstruction else LabelsCoordinatesParams

    def _recordInput(self) -> str:
        return "particles" if self.source == SOURCE_RECONSTRUCTION else "coordinates"

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        if self.source == SOURCE_COORDINATES:
            values = {"diameter": self.diameter.get(), "unknown_ring": self.ring.get()}
            return {**values, **_score_limit(self.minPickScore)}
        values = {}
        for attribute, name in RULES.items():
            is_choice = field_choices(LabelsReconstructionParams, name)
            value = getattr(self, attribute).get()
            values[name] = self.getEnumText(attribute) if is_choice else value
        return {**values, **_score_limit(self.minScore)}


def _score_limit(text: String) -> Dict[str, float]:
    return {"min_score": float(text.get())} if text.get() else {}
