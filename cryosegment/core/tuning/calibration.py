# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibration of scores to probabilities, on images that were not used for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize

from cryosegment.core.evaluation.matching import ranked_hits
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.picking import (
    Candidates,
    find_instances,
    instance_diameters,
)
from cryosegment.core.picking.centers import away_from_edge
from cryosegment.core.pipeline.micrograph import CANDIDATE_FLOOR
from cryosegment.core.tuning.pick_search import MappedImage
from cryosegment.core.tuning.thresholds import TOLERANCE, where_known
from cryosegment.exchange.params import (
    CalibrationParams,
    PickParams,
    SelectionParams,
)
from cryosegment.exchange.params.calibration import NEAREST
from cryosegment.exchange.parts import HEAT_MAP

FEWEST = 20
"""Scores are only calibrated with this many particles, and other candidates, at least."""
PULL = 0.1
"""Weight of the squared change of the scores; a candidate weighs 1."""


@dataclass(frozen=True)
class Judged:
    """Candidates compared with labels.

    Parameters
    ----------
    scores
        Scores of the network.
    hits
        Mask of those that are particles.
    """

    scores: Float[np.ndarray, " n"]
    hits: Bool[np.ndarray, " n"]


def judge_candidates(candidates: Candidates, item: LabelledImage) -> Judged:
    """Candidates of an image in known areas, where picking would take them.

    Parameters
    ----------
    candidates
        Candidates, down to the lowest score that picking keeps.
    item
        The image with its labels.
    """
    centers, scores = candidates.centers_yx.cpu(), candidates.scores.cpu().numpy()
    reference = item.centers_yx.numpy()
    hits = ranked_hits(centers.numpy(), reference, scores, TOLERANCE * item.diameter)
    inner = item.known & away_from_edge(item.working.valid, PickParams.edge * item.diameter)
    counted = where_known(centers, inner).numpy()
    return Judged(scores[counted].astype(np.float64), hits[counted])


def fit_calibration(
    judged: Sequence[Judged], labelled_share: float = 1.0, centers: str = HEAT_MAP
) -> CalibrationParams | None:
    """Calibration of highest likelihood; None with too few particles or too few others.

    Parameters
    ----------
    judged
        Of some images.
    labelled_share
        Fraction of the particles that is labelled, at random.
    centers
        The centre finder that found them.
    """
    scores = np.concatenate([np.empty(0), *(part.scores for part in judged)])
    hits = np.concatenate([np.empty(0, bool), *(part.hits for part in judged)])
    if min(hits.sum(), (~hits).sum()) < FEWEST:
        return None
    inside = np.clip(scores, NEAREST, 1 - NEAREST)
    terms = np.stack([np.log(inside), -np.log1p(-inside), np.ones_like(inside)])
    start = np.array([1.0, 1.0, 0.0])

    def cost(numbers: np.ndarray) -> float:
        """Minus the logarithm of the likelihood and of the prior."""
        probability = labelled_share / (1 + np.exp(-numbers @ terms))
        likely = np.where(hits, probability, 1 - probability)
        unusual = PULL * float(np.sum((numbers - start) ** 2))
        return unusual - float(np.log(np.maximum(likely, NEAREST)).sum())

    bounds = [(0.0, None), (0.0, None), (None, None)]
    found = minimize(cost, start, method="L-BFGS-B", bounds=bounds).x
    a, b, c = (round(float(number), 5) for number in found)
    return CalibrationParams(centers, a, b, c)


def calibrate(
    images: Sequence[MappedImage], selection: SelectionParams, labelled_share: float = 1.0
) -> CalibrationParams | None:
    """Calibration of the scores for a model card; None if there are too few candidates.

    Parameters
    ----------
    images
        Maps of the network for labelled images.
    selection
        Centre finder, distance and sizes.
    labelled_share
        Fraction of the particles that is labelled.
    """
    judged = []
    for image in images:
        diameter = image.labelled.diameter
        found = image.find(selection, CANDIDATE_FLOOR)
        labels = find_instances(image.maps.particle, found.centers_yx, diameter)
        sizes = instance_diameters(labels, len(found)).cpu().numpy() / diameter
        kept = selection.has_size(sizes)
        some = Candidates(found.centers_yx[kept], found.scores[kept])
        judged.append(judge_candidates(some, image.labelled))
    return fit_calibration(judged, labelled_share, selection.centers)
