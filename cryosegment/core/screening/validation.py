# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a classifier of boxes parts particles from all else, on images that it never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from cryosegment.core.evaluation.curves import rank
from cryosegment.core.screening.boxes import PARTICLE_KIND, SIDE, Places, decided
from cryosegment.core.screening.data import PickedImage, draw_places
from cryosegment.core.screening.model import classify, log_odds
from cryosegment.core.training.fit.settings import Validation
from cryosegment.core.tuning.calibration import Judged, fit_calibration
from cryosegment.exchange.params import CalibrationParams

ACCURACY = "accuracy"


class BoxValidation:
    """Validation on the picks of some images or, where there are none, on places of all kinds.

    Parameters
    ----------
    images
        Labelled images with picks.
    seed
        Seed of the choice of places.
    """

    def __init__(self, images: Sequence[PickedImage], seed: int) -> None:
        random = np.random.default_rng(seed)
        self._seed = seed
        self._judged = [(image.item.working.image, _places(image, random)) for image in images]

    def __call__(self, network: nn.Module) -> Validation:
        """Average precision of the places, ranked by how much they look like a particle."""
        logits = torch.cat(
            [classify(network, image, p.centers_yx, SIDE) for image, p in self._judged]
        )
        kinds = torch.cat([places.kinds for _, places in self._judged])
        hits = (kinds == PARTICLE_KIND).numpy()
        right = float((logits.argmax(1) == kinds).float().mean())
        ranked = rank(log_odds(logits).numpy(), hits, max(int(hits.sum()), 1))
        return Validation(ranked.average_precision, {ACCURACY: right})

    def calibrate(self, network: nn.Module) -> CalibrationParams | None:
        """Calibration of the probability of a particle where it is as frequent as all else."""
        judged = []
        for image, places in self._judged:
            scores = log_odds(classify(network, image, places.centers_yx, SIDE)).sigmoid()
            judged.append(Judged(scores.double().numpy(), (places.kinds == PARTICLE_KIND).numpy()))
        return fit_calibration([_balanced(judged, self._seed)])


def _places(image: PickedImage, random: np.random.Generator) -> Places:
    """What a network is judged on in an image."""
    if len(image.picks_yx):
        return decided(image.item, image.picks_yx)
    groups = draw_places(image, random)
    return Places(
        torch.cat([group.centers_yx for group in groups]), torch.cat([g.kinds for g in groups])
    )


def _balanced(judged: Sequence[Judged], seed: int) -> Judged:
    """As many hits as others: those of which there are fewer are repeated."""
    scores = np.concatenate([part.scores for part in judged])
    hits = np.concatenate([part.hits for part in judged])
    rows = [np.flatnonzero(hits), np.flatnonzero(~hits)]
    random, most = np.random.default_rng(seed), max(map(len, rows))
    chosen = np.concatenate([np.resize(random.permutation(own), most) for own in rows if len(own)])
    return Judged(scores[chosen], hits[chosen])
