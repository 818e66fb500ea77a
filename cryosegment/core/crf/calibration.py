# SPDX-License-Identifier: GPL-3.0-or-later
"""Temperature scaling: makes the probabilities of a network match how often it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

RANGE = 0.05, 20.0  # of temperatures
PRECISION = 1e-3  # of the logarithm of the temperature


def calibrate_temperature(
    logits: Sequence[Float[Tensor, "_ _"]],
    labels: Sequence[Bool[Tensor, "_ _"]],
    known: Sequence[Bool[Tensor, "_ _"]],
) -> float:
    """The temperature that maximises the likelihood of the labels, given logits / temperature.

    Parameters
    ----------
    logits
        Log-odds of particle for each image; NaN counts as unknown.
    labels
        True on particles.
    known
        Pixels that count.

    Returns
    -------
    Between 0.05 and 20; 1 if no pixel counts.

    Notes
    -----
    Guo et al., ICML 2017. The likelihood has one peak along the inverse temperature.
    """
    counted = [k & ~one.isnan() for one, k in zip(logits, known, strict=True)]
    values = torch.cat([one[use] for one, use in zip(logits, counted, strict=True)]).double()
    truth = torch.cat([one[use] for one, use in zip(labels, counted, strict=True)]).double()
    if not len(values):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = values * math.exp(-log_temperature)
        return float(binary_cross_entropy_with_logits(scaled, truth))

    low, high = map(math.log, RANGE)
    best = minimize_scalar(loss, bounds=(low, high), options={"xatol": PRECISION}, method="bounded")
    return math.exp(best.x)
