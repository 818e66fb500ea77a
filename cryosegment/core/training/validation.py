# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle F1 of a network on labelled images, and the threshold that reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cryosegment.core.evaluation.matching import ranked_hits
from cryosegment.core.inference import predict_maps
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.training.fit import Validation

TOLERANCE = 0.25
"""A pick is right within this many diameters of a labelled centre."""
THRESHOLDS = np.arange(0.05, 0.95, 0.025)
PLATEAU = 0.01
"""F1 that thresholds may lose and still count as best."""


@dataclass(frozen=True)
class ValidationImage:
    """A normalised image with its labels.

    Parameters
    ----------
    image
        Normalised, particles dark.
    valid
        Pixels that the network is asked about, as in picking.
    known
        Where the labels say anything; picks and centres elsewhere are neither right nor wrong.
    centers_yx
        px.
    diameter
        Nominal particle diameter, px.
    """

    image: Float[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]
    known: Bool[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]
    diameter: float


def best_f1(network: nn.Module, images: Sequence[ValidationImage]) -> Validation:
    """The highest F1 over all images that one threshold reaches."""
    counts = np.zeros((len(THRESHOLDS), 3))
    for item in images:
        maps = predict_maps(network, item.image, item.valid)
        candidates = find_candidates(maps, item.diameter)
        counted = where_known(candidates.centers_yx.cpu(), item.known).numpy()
        centers = candidates.centers_yx.cpu().numpy()[counted]
        scores = candidates.scores.cpu().numpy()[counted]
        reference = item.centers_yx[where_known(item.centers_yx, item.known)].numpy()
        hits = ranked_hits(centers, reference, scores, TOLERANCE * item.diameter)
        chosen = scores >= THRESHOLDS[:, None]
        counts[:, 0] += (chosen & hits).sum(1)
        counts[:, 1] += chosen.sum(1)
        counts[:, 2] += len(reference)
    f1 = 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1)
    return Validation(float(f1.max()), _middle_of_plateau(f1))


def _middle_of_plateau(f1: Float[np.ndarray, " thresholds"]) -> float:
    """The middle of the thresholds around the best that are as good, within `PLATEAU`.

    F1 is nearly flat around its top, where a few particles of a few micrographs decide which
    threshold wins; other micrographs are served better by the middle.
    """
    best = int(f1.argmax())
    worse = np.flatnonzero(f1 < f1[best] - PLATEAU)
    first = worse[worse < best].max(initial=-1) + 1
    end = worse[worse > best].min(initial=len(f1))
    return float(THRESHOLDS[first:end].mean())


def where_known(centers_yx: Float[Tensor, "n 2"], known: Bool[Tensor, "h w"]) -> Bool[Tensor, " n"]:
    """Which centres lie on known pixels of the image."""
    pixels = centers_yx.round().long()
    limits = torch.tensor(known.shape)
    inside = ((pixels >= 0) & (pixels < limits)).all(1)
    rows, columns = torch.minimum(pixels.clamp(min=0), limits - 1).T
    return inside & known[rows, columns]
