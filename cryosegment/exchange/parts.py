# SPDX-License-Identifier: GPL-3.0-or-later
"""What users choose by name, and where the library has it: a new one is a line in a table here.

Forms and the command line offer the names without loading the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple


@dataclass(frozen=True)
class Part:
    """A part of the library that has a name.

    Parameters
    ----------
    place
        Module below `cryosegment.core`, and what it is called there: `module:name`.
    """

    place: str


@dataclass(frozen=True)
class CenterFinder(Part):
    """A finder of particle centres: takes maps and a `Search`, gives `Candidates`.

    Parameters
    ----------
    scales
        Its length scale, in particle diameters: the default, then others to try when tuning; 0
        alone for a finder that has none.
    """

    scales: Tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class Network(Part):
    """What makes a network.

    Parameters
    ----------
    takes
        Which of `ENCODER` and `BRANCHES` it can be told.
    architecture
        Its name in segmentation_models.pytorch; empty for our own.
    """

    takes: Tuple[str, ...] = ()
    architecture: str = ""

    @property
    def arguments(self) -> Mapping[str, str]:
        """What its maker always gets."""
        return {"architecture": self.architecture} if self.architecture else {}


HEAT_MAP, CONTOUR, CROCKER_GRIER, GRID_NMS = "heatmap", "contour", "crocker-grier", "grid-nms"
WATERSHED, SIZE_MODE, SAM = "watershed", "size-mode", "sam"
CENTER_FINDERS: Dict[str, CenterFinder] = {
    HEAT_MAP: CenterFinder("picking.heat_map:find_by_heat_map"),
    CONTOUR: CenterFinder("picking.contours:find_by_contours", (0.25, 0.15, 0.35)),
    CROCKER_GRIER: CenterFinder("picking.crocker_grier:find_by_crocker_grier", (1.0, 1.2, 1.4)),
    GRID_NMS: CenterFinder("picking.grid_maxima:find_by_grid_maxima", (0.4, 0.2, 0.6)),
    WATERSHED: CenterFinder("picking.watersheds:find_by_watershed", (0.25, 0.2, 0.35)),
    SIZE_MODE: CenterFinder("picking.size_mode:find_by_size_mode", (0.4, 0.25, 0.14)),
    SAM: CenterFinder("picking.sam:find_by_sam", (0.5, 0.35)),
}
"""All but the first use the particle map alone; the last needs a model of its own."""

ENCODER, BRANCHES = "encoder", "branches"
LIBRARY = "networks.segmentation_models:segmentation_model"
NETWORKS: Dict[str, Network] = {
    "compact": Network("networks.compact:CompactUNet"),
    "unet": Network("networks.unet:unet", (ENCODER,)),
    "unet++": Network("networks.unet:nested_unet", (ENCODER,)),
    "fcn": Network("networks.dilated:fcn", (ENCODER,)),
    "deeplabv3": Network("networks.dilated:deeplabv3", (ENCODER,)),
    "attention-unet": Network("networks.attention_unet:attention_unet"),
    "multi-atrous": Network("networks.multi_atrous:multi_atrous", (BRANCHES,)),
    "separable-unet": Network("networks.separable_unet:separable_unet"),
    "smp-unet++": Network(LIBRARY, (ENCODER,), "unetplusplus"),
    "smp-fpn": Network(LIBRARY, (ENCODER,), "fpn"),
    "smp-linknet": Network(LIBRARY, (ENCODER,), "linknet"),
    "smp-segformer": Network(LIBRARY, (ENCODER,), "segformer"),
}
"""Networks that can be trained, the default first."""
EARLIER_NETWORKS = {"smp-manet": Network(LIBRARY), "smp-upernet": Network(LIBRARY)}
"""Networks of models of earlier versions: what makes them is attention and pooling over the whole
image, so that they cannot be local and are not trained any more."""
BOX_NETWORKS = {"box-classifier": Network("networks.box_classifier:BoxClassifier")}
"""Networks with one answer for a whole image, in which a particle stands in the middle."""

LOSSES: Dict[str, Part] = {
    "bce+dice": Part("training.losses.pixels:cross_entropy_and_dice"),
    "bce": Part("training.losses.pixels:cross_entropy"),
    "smoothed-bce": Part("training.losses.pixels:smoothed_cross_entropy"),
    "focal": Part("training.losses.pixels:focal"),
    "dice": Part("training.losses.pixels:dice"),
    "jaccard": Part("training.losses.pixels:jaccard"),
    "lovasz": Part("training.losses.pixels:lovasz"),
    "tversky": Part("training.losses.pixels:usual_tversky"),
    "focal-tversky": Part("training.losses.pixels:focal_tversky"),
}
"""Losses of the particle map, the default first."""

SOLVERS: Dict[str, Part] = {
    "mean-field": Part("crf.solvers:MEAN_FIELD"),
    "entropic": Part("crf.solvers:ENTROPIC"),
    "l2": Part("crf.solvers:L2"),
    "frank-wolfe": Part("crf.solvers:FRANK_WOLFE"),
    "projected-gradient": Part("crf.solvers:PROJECTED_GRADIENT"),
    "icm": Part("crf.solvers:ICM"),
}
"""Solvers of the conditional random field (CRF)."""
