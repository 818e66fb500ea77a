# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation of a micrograph without its labels, to compare labels with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from torch import Tensor

from cryosegment.core.images.instance_masks import INSTANCE_THRESHOLD
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.model import Model
from cryosegment.core.picking.centers import away_from_edge
from cryosegment.core.pipeline.micrograph import pick, segment
from cryosegment.exchange.params import CARD, PickParams
from cryosegment.exchange.settings import pick_settings

BODY_SIGMA, CENTER_SIGMA = 0.1, 0.2
"""Gaussian low-passes before Otsu's threshold and before centres are found, in diameters."""
MIN_DISTANCE = 0.4
"""Smallest distance between two centres found without a network, in diameters."""
EDGE = PickParams.edge
"""Particles closer to the border than this, in diameters, are left out."""


@dataclass(frozen=True)
class Segmentation:
    """Particles of a micrograph, found without its labels.

    Attributes
    ----------
    particle
        The particles' pixels, at working scale.
    centers_yx
        Centres of the clear ones, px of the micrograph.
    """

    particle: Bool[Tensor, "h w"]
    centers_yx: Float[np.ndarray, "n 2"]


Segmenter = Callable[[WorkingImage, float], Segmentation]
"""Called with a working image, particles dark, and their diameter in Å."""


def model_segmenter(model: Model) -> Segmenter:
    """Segmentation by a network; strong is what scores at least the threshold of its card."""

    def run(working: WorkingImage, diameter: float) -> Segmentation:
        settings = pick_settings(PickParams(diameter=diameter, threshold=CARD), model.card)
        picks = pick("", working, segment(working, model, settings.crf), settings)
        particle = (picks.maps.particle > INSTANCE_THRESHOLD).cpu()
        return Segmentation(particle, picks.chosen.centers_yx)

    return run


def segment_by_threshold(working: WorkingImage, diameter: float) -> Segmentation:
    """Segmentation without a network: what is dark after a low-pass, by Otsu's threshold.

    Strong are the darkest places at the particles' own scale, by the same rule.
    """
    diameter_px = working.in_pixels(diameter)
    dark, valid = -working.image.numpy(), working.valid.numpy()
    body = gaussian_filter(dark, BODY_SIGMA * diameter_px)
    particle = (body > threshold_otsu(body[valid])) & valid
    blobs = gaussian_filter(dark, CENTER_SIGMA * diameter_px)
    peaks = peak_local_max(
        blobs,
        min_distance=max(1, round(MIN_DISTANCE * diameter_px)),
        threshold_abs=threshold_otsu(blobs[valid]),
        exclude_border=False,
    )
    inner = away_from_edge(working.valid, EDGE * diameter_px).numpy()
    peaks = peaks[inner[peaks[:, 0], peaks[:, 1]]]
    return Segmentation(torch.from_numpy(particle), working.in_micrograph(peaks))
