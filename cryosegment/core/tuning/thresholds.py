# SPDX-License-Identifier: GPL-3.0-or-later
"""F1 of picks on labelled images at every threshold, and the best threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from cryosegment.core.evaluation.matching import ranked_hits
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.picking.centers import Candidates, find_candidates, without_contaminated

TOLERANCE = 0.25
"""Largest distance of a correct pick from a labelled centre, in diameters."""
THRESHOLDS = np.arange(0.05, 0.95, 0.025)
PLATEAU = 0.01
"""Loss of F1 up to which thresholds count as best."""


@dataclass(frozen=True)
class Counts:
    """Counts of the picks at each of `THRESHOLDS`, over some images.

    Parameters
    ----------
    hits
        Labelled particles that are picked.
    picks
        All picks.
    labelled
        Labelled particles.
    """

    hits: Int[np.ndarray, " thresholds"]
    picks: Int[np.ndarray, " thresholds"]
    labelled: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits, self.picks + other.picks, self.labelled + other.labelled
        )

    def f1(self, labelled_share: float = 1.0) -> Float[np.ndarray, " thresholds"]:
        """F1 if only a random fraction `share` of the particles is labelled.

        Notes
        -----
        Recall is that of the labelled; precision is what it would be if all were labelled:
        every hit stands for 1 / share of them, of which none is more than a pick (Lee & Liu,
        2003, who maximise recall^2 / picks, which is precision times recall but for a factor).
        """
        found = np.minimum(self.hits / labelled_share, self.picks)
        return 2 * found / np.maximum(self.picks + self.labelled / labelled_share, 1)


NO_COUNTS = Counts(np.zeros(len(THRESHOLDS), int), np.zeros(len(THRESHOLDS), int), 0)


def count_hits(network: nn.Module, images: Sequence[LabelledImage]) -> Counts:
    """Pick the images and compare with their labels."""
    total = NO_COUNTS
    for item in images:
        maps = predict_maps(network, item.working.image, item.working.valid)
        found = find_candidates(maps, item.diameter)
        total = total + compare(without_contaminated(found, maps, item.diameter), item)
    return total


def compare(candidates: Candidates, item: LabelledImage) -> Counts:
    """Candidates of an image, at every threshold, against its labels."""
    known = item.known
    counted = where_known(candidates.centers_yx.cpu(), known).numpy()
    centers = candidates.centers_yx.cpu().numpy()[counted]
    scores = candidates.scores.cpu().numpy()[counted]
    reference = item.centers_yx[where_known(item.centers_yx, known)].numpy()
    found = ranked_hits(centers, reference, scores, TOLERANCE * item.diameter)
    chosen = scores >= THRESHOLDS[:, None]
    return Counts((chosen & found).sum(1), chosen.sum(1), len(reference))


def best_threshold(counts: Counts, labelled_share: float = 1.0) -> tuple[float, float]:
    """Best F1 over all thresholds, and the threshold to recommend.

    Parameters
    ----------
    counts
        Of some images.
    labelled_share
        Fraction of the particles that is labelled.
    """
    f1 = counts.f1(labelled_share)
    return float(f1.max()), middle_of_plateau(f1)


def middle_of_plateau(f1: Float[np.ndarray, " thresholds"]) -> float:
    """The middle of the thresholds around the best that are as good, within `PLATEAU`.

    F1 is nearly flat around its maximum, where a few particles decide which threshold is best; the
    middle is better for other micrographs.
    """
    best = int(f1.argmax())
    worse = np.flatnonzero(f1 < f1[best] - PLATEAU)
    first = worse[worse < best].max(initial=-1) + 1
    end = worse[worse > best].min(initial=len(f1))
    return float(THRESHOLDS[first:end].mean())


def where_known(centers_yx: Float[Tensor, "n 2"], known: Bool[Tensor, "h w"]) -> Bool[Tensor, " n"]:
    """Mask of the centres on known pixels of the image."""
    pixels = centers_yx.round().long()
    limits = torch.tensor(known.shape)
    inside = ((pixels >= 0) & (pixels < limits)).all(1)
    rows, columns = torch.minimum(pixels.clamp(min=0), limits - 1).T
    return inside & known[rows, columns]
