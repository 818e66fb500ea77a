# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle F1 of a network on labelled images, and the threshold that reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cryosegment.core.evaluation.matching import ranked_hits
from cryosegment.core.inference import predict_maps
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.training.fit import Validation

TOLERANCE = 0.25
"""A pick is right within this many diameters of a labelled centre."""
THRESHOLDS = np.arange(0.05, 0.95, 0.025)


@dataclass(frozen=True)
class ValidationImage:
    """A normalised image with its labels.

    Parameters
    ----------
    image
        `(h, w)` normalised, particles dark.
    valid
        `(h, w)` pixels that count.
    centers_yx
        `(n, 2)` px.
    diameter
        Nominal particle diameter, px.
    """

    image: Float[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]
    diameter: float


def best_f1(network: nn.Module, images: Sequence[ValidationImage]) -> Validation:
    """The highest F1 over all images that one threshold reaches."""
    counts = np.zeros((len(THRESHOLDS), 3))
    for item in images:
        maps = predict_maps(network, item.image, item.valid)
        candidates = find_candidates(maps, item.diameter)
        centers, scores = candidates.centers_yx.cpu().numpy(), candidates.scores.cpu().numpy()
        reference = item.centers_yx.numpy()
        hits = ranked_hits(centers, reference, scores, TOLERANCE * item.diameter)
        chosen = scores >= THRESHOLDS[:, None]
        counts[:, 0] += (chosen & hits).sum(1)
        counts[:, 1] += chosen.sum(1)
        counts[:, 2] += len(reference)
    f1 = 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1)
    best = int(f1.argmax())
    return Validation(float(f1[best]), float(THRESHOLDS[best]))
