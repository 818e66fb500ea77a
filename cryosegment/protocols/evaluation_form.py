# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields of an evaluation, and the job parameters that are made of them."""

from __future__ import annotations

from typing import Any, Dict, List

from pyworkflow.protocol import params

from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.params.evaluation import BOX
from cryosegment.protocols.contamination_choice import ContaminationChoice
from cryosegment.protocols.form_fields import add_field, field_choices, form_values

ADVANCED = {"expertLevel": params.LEVEL_ADVANCED}
BOXES = {"condition": f"matching == {field_choices(EvaluateParams, 'matching').index(BOX)}"}
"""Condition that picks are matched by their boxes."""
FIELDS = (
    ("distance", "distance", "Or distance", {"allowsNull": True, **ADVANCED}),
    ("distances", "distances", "Further distances", ADVANCED),
    ("matching", "matching", "Correct by", ADVANCED),
    ("box", "box", "Side of the boxes", {"allowsNull": True, **BOXES, **ADVANCED}),
    ("overlap", "overlap", "Overlap of the boxes", {**BOXES, **ADVANCED}),
    ("beta", "beta", "Weight of the recall (beta)", ADVANCED),
    ("published", "published", "Figures of papers", ADVANCED),
    ("samples", "samples", "Draws for the intervals", ADVANCED),
    ("seed", "seed", "Seed", ADVANCED),
)
"""Parameter, form field, label and options of how picks are judged."""


class EvaluationForm(ContaminationChoice):
    """Form fields of what is compared, and when a pick counts as correct."""

    _label = None

    def _defineInputParams(self, form: params.Form) -> None:
        form.addParam(
            "inputCoordinates",
            params.MultiPointerParam,
            pointerClass="SetOfCoordinates",
            important=True,
            label="Sets of coordinates",
            help="Picks of one or more pickers, with or without scores.",
        )
        form.addParam(
            "referenceCoordinates",
            params.PointerParam,
            pointerClass="SetOfCoordinates",
            important=True,
            label="Reference",
            help="All particles of a few micrographs, picked or checked by hand. Micrographs "
            "without any of them are left out.",
        )
        add_field(form, EvaluateParams, "diameter", "Particle diameter", allowsPointers=True)
        form.addSection(label="Matching")
        add_field(form, EvaluateParams, "tolerance", "Tolerance (diameters)", allowsPointers=True)
        for name, attribute, label, options in FIELDS:
            add_field(form, EvaluateParams, name, label, attribute, **options)

    def _defineMaskParams(self, form: params.Form) -> None:
        form.addSection(label="Areas and masks")
        self._defineContaminationParam(form, "On its contamination, nothing counts.")
        add_field(form, EvaluateParams, "margin", "Margin")
        form.addParam(
            "inputMasks",
            params.MultiPointerParam,
            pointerClass="SetOfMicrographMasks",
            allowsNull=True,
            label="Masks",
            help="To judge the outlines of the particles, too: one set of masks for each set of "
            "coordinates, in their order.",
        )
        form.addParam(
            "referenceMasks",
            params.PointerParam,
            pointerClass="SetOfMicrographMasks",
            allowsNull=True,
            label="Reference masks",
            help="Of *label micrographs* or *simulate micrographs*.",
        )
        add_field(form, EvaluateParams, "boundary", "Tolerance of outlines (diameters)", **ADVANCED)

    def _maskErrors(self) -> List[str]:
        """What is wrong with the choice of masks."""
        count, needed = len(self.inputMasks), len(self.inputCoordinates)
        if bool(count) != (self.referenceMasks.get() is not None):
            return ["Choose *Masks* and *Reference masks*, or neither."]
        if count not in (0, needed):
            return [f"Choose a set of masks for each set of coordinates: {needed}, not {count}."]
        return []

    def _values(self) -> Dict[str, Any]:
        """Parameters of the job that are numbers and choices."""
        values = {**form_values(self, EvaluateParams), "contamination": self._contaminationFolder()}
        return {name: value for name, value in values.items() if value is not None}
