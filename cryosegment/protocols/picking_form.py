# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields of picking."""

from __future__ import annotations

from pwem.protocols import EMProtocol
from pyworkflow.protocol import params

from cryosegment.exchange.coordinates import BOX_PER_DIAMETER
from cryosegment.exchange.params import NO_CRF, PickParams
from cryosegment.exchange.parts import SAM
from cryosegment.protocols.form_fields import add_field, field_choices

SELECTION = (
    ("min_distance", "minDistance", "Smallest distance (diameters)"),
    ("min_diameter", "minDiameter", "Smallest mask"),
    ("max_diameter", "maxDiameter", "Largest mask"),
    ("edge", "edge", "Distance from the border (diameters)"),
)
"""Parameter, form field and label of the expert fields of the selection."""

SIZE_CLASSES = ("size_classes", "Classes by mask diameter", "sizeClasses")
"""Parameter, label and form field of what parts the picks."""

OF_PARTICLE_MAPS = (
    "The others use the particle map alone. *contour*: circles around its eroded regions. "
    "*crocker-grier*: centroids around maxima. *grid-nms*: local maxima from a grid. *watershed*: "
    "centroids of its regions, parted at their waists. *size-mode*: regions of the commonest size. "
    "*sam*: masks of the Segment Anything Model, which needs its checkpoint."
)


class PickingForm(EMProtocol):
    """Form fields of the particle, of the selection and refinement of picks, and of more output."""

    _label = None

    def _defineParticleParams(self, form: params.Form) -> None:
        add_field(form, PickParams, "diameter", "Particle diameter", allowsPointers=True)
        form.addParam(
            "boxSize",
            params.IntParam,
            default=0,
            allowsPointers=True,
            label="Box size (px)",
            help=f"Side of the boxes, an even number. 0: {BOX_PER_DIAMETER} diameters. It does not "
            "change the coordinates; the output *boxsize* passes it on to extraction.",
        )
        add_field(
            form,
            PickParams,
            "contrast",
            "Contrast",
            expertLevel=params.LEVEL_ADVANCED,
            help="Particles are dark in micrographs whose contrast was not inverted.",
        )

    def _definePickingParams(self, form: params.Form) -> None:
        form.addSection(label="Picking")
        self._defineSelectionParams(form)
        form.addSection(label="Contamination")
        self._defineContaminationParams(form)
        form.addSection(label="CRF and masks")
        self._defineRefinementParams(form)
        add_field(form, PickParams, "masks", "Masks of the particles?")
        add_field(form, PickParams, "mask_scale", "Pixels of the masks", condition="masks")
        add_field(
            form,
            PickParams,
            "maps",
            "Probability maps?",
            expertLevel=params.LEVEL_ADVANCED,
            help="They are written to extra/probability.",
        )

    def _defineSelectionParams(self, form: params.Form) -> None:
        advanced = {"expertLevel": params.LEVEL_ADVANCED}
        add_field(
            form,
            PickParams,
            "threshold",
            "Score threshold",
            allowsPointers=True,
            help="Lower it to get more particles, raise it to get fewer and more certain ones. "
            "With a calibrated model, *auto* takes the best threshold for the micrographs that "
            "are done before each batch.",
        )
        add_field(
            form,
            PickParams,
            "centers",
            "Centre finder",
            help="*heatmap*: peaks of the network's centre map on which its offsets agree.\n"
            + OF_PARTICLE_MAPS,
            **advanced,
        )
        with_sam = f"centers == {field_choices(PickParams, 'centers').index(SAM)}"
        add_field(form, PickParams, "sam", "SAM checkpoint", condition=with_sam, **advanced)
        add_field(form, PickParams, "recenter", "At centres of mass?", **advanced)
        for name, attribute, label in SELECTION:
            add_field(form, PickParams, name, label, attribute, allowsPointers=True, **advanced)
        add_field(form, PickParams, *SIZE_CLASSES, **advanced)

    def _defineContaminationParams(self, form: params.Form) -> None:
        add_field(
            form,
            PickParams,
            "contaminated",
            "Picks on contamination",
            help="The share stands in _cryosegmentContamination.",
        )
        add_field(form, PickParams, "filaments", "Picks on filaments")
        add_field(form, PickParams, "exclude", "Masks of other programs")

    def _defineRefinementParams(self, form: params.Form) -> None:
        add_field(
            form,
            PickParams,
            "crf",
            "CRF refinement",
            help="Which pixels tend to the same label.\n*none*: no CRF.\n"
            "*gaussian*: neighbouring pixels.\n"
            "*intensity*, *denoised*: also pixels of similar brightness.\n"
            "*logits*, *network*: also pixels with similar output, or features, of the network.\n"
            "*combined*: *logits* and *intensity*, stronger.",
        )
        with_crf = f"crf != {field_choices(PickParams, 'crf').index(NO_CRF)}"
        advanced = {"condition": with_crf, "expertLevel": params.LEVEL_ADVANCED}
        for name, attribute in (("solver", "crfSolver"), ("strength", "crfStrength")):
            label = f"{name.capitalize()} of the CRF"
            add_field(form, PickParams, f"crf_{name}", label, attribute, **advanced)
