# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule of a training: validations, learning rate, and early stop."""

from __future__ import annotations

import math
from collections.abc import Sequence

WARMUP = 0.1
"""Fraction of the cycle in which the learning rate rises."""
STEADY_WARMUP, STEADY_END = 0.01, 0.8
"""Shares of a steady training between which the learning rate is highest."""


def learning_rate(schedule: str, share: float, peak: float) -> float:
    """Learning rate of a schedule.

    Parameters
    ----------
    schedule
        "one-cycle": linear warm-up, then half a cosine (Smith, 2018); "cosine": half a cosine
        (Loshchilov & Hutter, 2017, without restarts); "steady": highest nearly all the time, then
        linear to the end, which can be put off while it lasts (Hägele et al., 2024).
    share
        Fraction of the training that is done, in [0, 1].
    peak
        Highest rate.
    """
    if schedule == "steady":
        rise, fall = share / STEADY_WARMUP, (1 - share) / (1 - STEADY_END)
        return peak * max(0.01, min(1.0, rise, fall))
    warmup = WARMUP if schedule == "one-cycle" else 0.0
    if share < warmup:
        return peak * (0.04 + 0.96 * share / warmup)
    fallen = (share - warmup) / (1 - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fallen)))


def next_validation(share: float, validations: int) -> float:
    """The share at which the network is validated next; the last is at the end."""
    return min((math.floor(share * validations + 1e-9) + 1) / validations, 1.0)


def has_stalled(scores: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` scores brought no better one; never for a patience of 0."""
    if not patience or not scores:
        return False
    return len(scores) - 1 - scores.index(max(scores)) >= patience
