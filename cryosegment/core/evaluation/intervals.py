# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals of figures: how far they would move with other micrographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cryosegment.core.evaluation.curves import average_precision, divided, f1_score
from cryosegment.core.evaluation.outcomes import Outcome, join
from cryosegment.core.evaluation.reliability import (
    are_probabilities,
    calibration_error,
    sums_by_bin,
)
from cryosegment.core.evaluation.rules import Rules
from cryosegment.exchange.evaluation import Difference, ParticleMetrics

LEVELS = 1000
"""Thresholds of which average precision and best F1 are made in each draw, at most."""
COVERAGE = 95
"""Part of the draws that an interval holds, %."""
COMPARED = ("f1", "average_precision")
"""Figures of which sets are compared."""

Draws = dict[str, Float[np.ndarray, " draws"]]
"""Values of each figure, by its name, in every draw."""


def draw(outcomes: Sequence[Outcome], rules: Rules) -> Draws:
    """Figures of as many micrographs, drawn with replacement, so often; empty for less than two.

    With one seed the draws of several sets are of the same micrographs.

    Notes
    -----
    The bootstrap over micrographs (Efron & Tibshirani, 1993): particles of one micrograph share
    its ice, defocus and picker's luck, so they are drawn together.
    """
    count = len(outcomes)
    if count < 2 or not rules.samples:
        return {}
    random = np.random.default_rng(rules.seed)
    times = random.multinomial(count, np.full(count, 1 / count), rules.samples).astype(float)
    everything = join(outcomes)
    found, picked = (np.cumsum(times @ part, axis=1) for part in _by_level(outcomes, everything))
    reference = times @ np.array([each.reference for each in outcomes], float)
    distance = times @ np.array([each.distances.sum() for each in outcomes])
    hits, picks = found[:, -1], picked[:, -1]
    draws = {
        "precision": divided(hits, picks),
        "recall": divided(hits, reference),
        "f1": f1_score(hits, picks, reference),
        "f_beta": f1_score(hits, picks, reference, rules.beta),
        "average_precision": average_precision(found, picked, reference),
        "best_f1": f1_score(found, picked, reference[:, None]).max(axis=1),
        "center_error_mean": divided(distance, hits),
        "count_error": divided(picks - reference, reference),
    }
    if are_probabilities(everything):
        sums = np.stack([sums_by_bin(each.scores, each.hits) for each in outcomes])
        drawn = np.tensordot(times, sums, axes=1)
        draws["calibration_error"] = calibration_error(drawn)
    return draws


def _by_level(
    outcomes: Sequence[Outcome], everything: Outcome
) -> tuple[Float[np.ndarray, "micrographs levels"], Float[np.ndarray, "micrographs levels"]]:
    """Right picks and picks of each micrograph between thresholds, highest first."""
    levels = np.unique(everything.scores)
    if len(levels) > LEVELS:
        ranked = np.sort(everything.scores)
        levels = np.unique(ranked[np.linspace(0, len(ranked) - 1, LEVELS).astype(int)])
    shape = (len(outcomes), max(len(levels), 1))
    counts = np.array([len(each.scores) for each in outcomes])
    row = np.repeat(np.arange(len(outcomes)), counts)
    below = np.searchsorted(levels, everything.scores, "right") - 1
    cell = row * shape[1] + (shape[1] - 1 - below)
    size = shape[0] * shape[1]
    found = np.bincount(cell[everything.hits], minlength=size)
    picked = np.bincount(cell, minlength=size)
    return found.astype(float).reshape(shape), picked.astype(float).reshape(shape)


def intervals(draws: Draws) -> dict[str, tuple[float, float]]:
    """Low and high end of the middle part of the draws of each figure."""
    return {name: interval(values) for name, values in draws.items()}


def interval(values: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    """Low and high end of the middle 95 %; nan where no value is known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    outside = (100 - COVERAGE) / 2
    low, high = np.percentile(known, [outside, 100 - outside]).tolist()
    return low, high


def differences(
    names: Sequence[str], overall: Sequence[ParticleMetrics], draws: Sequence[Draws]
) -> tuple[Difference, ...]:
    """Of each two sets, by how much one is above the other.

    Parameters
    ----------
    names
        Of the sets.
    overall
        Figures of all micrographs of each set.
    draws
        Of each set.
    """
    return tuple(
        Difference(
            names[i],
            names[j],
            name,
            getattr(overall[i], name) - getattr(overall[j], name),
            *interval(draws[i][name] - draws[j][name]),
        )
        for name in COMPARED
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if name in draws[i] and name in draws[j]
    )
