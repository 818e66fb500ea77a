# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibration: from the score of a network to the probability of a particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cryosegment.exchange.params.fields import Params, param
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP

NEAREST = 1e-6
"""Smallest distance of scores from 0 and 1."""


@dataclass(frozen=True)
class CalibrationParams(Params):
    """Numbers that turn scores into probabilities.

    Notes
    -----
    Beta calibration (Kull, Silva Filho & Flach, 2017): log p / (1 - p) is
    a log s - b log(1 - s) + c. With a, b >= 0 it keeps the order of the scores; a = b = 1, c = 0
    changes nothing.
    """

    centers: str = param(
        HEAT_MAP, "centre finder whose scores are calibrated", choices=tuple(CENTER_FINDERS)
    )
    a: float = param(1.0, "factor of the logarithm of the score", minimum=0)
    b: float = param(1.0, "factor of the logarithm of one minus the score", minimum=0)
    c: float = param(0.0, "offset")

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Probability of a particle for each score, (n,)."""
        inside = np.clip(np.asarray(scores, dtype=np.float64), NEAREST, 1 - NEAREST)
        odds = self.a * np.log(inside) - self.b * np.log1p(-inside) + self.c
        return 1 / (1 + np.exp(-odds))
