# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks against reference coordinates: how many are right, and how well they are centred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.evaluation.matching import match, ranked_hits
from cryosegment.core.evaluation.pixels import ratio
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.names import names_in_file

OVERALL = "overall"


@dataclass(frozen=True)
class ParticleMetrics:
    """Figures of one micrograph or of all; nan where there is nothing to measure.

    Parameters
    ----------
    name
        Micrograph, or "overall".
    picks, reference
        Numbers of picks and of reference particles.
    true_positives
        Picks matched one to one to a reference particle within the tolerance.
    average_precision
        Mean precision over the recall, picks ranked by score.
    best_f1, best_threshold
        Highest F1 of the picks that score at least a threshold, and that threshold.
    center_error_mean, center_error_median
        Distance of the matched picks from their particles, Å.
    """

    name: str
    picks: int
    reference: int
    true_positives: int
    average_precision: float
    best_f1: float
    best_threshold: float
    center_error_mean: float
    center_error_median: float

    @property
    def false_positives(self) -> int:
        """Picks without a particle."""
        return self.picks - self.true_positives

    @property
    def false_negatives(self) -> int:
        """Particles without a pick."""
        return self.reference - self.true_positives

    @property
    def precision(self) -> float:
        """Part of the picks that are right."""
        return ratio(self.true_positives, self.picks)

    @property
    def recall(self) -> float:
        """Part of the particles that are picked."""
        return ratio(self.true_positives, self.reference)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return ratio(2 * self.true_positives, self.picks + self.reference)

    @property
    def count_error(self) -> float:
        """Surplus of picks over particles (negative: lack), as a part of the particles."""
        return ratio(self.picks - self.reference, self.reference)


@dataclass(frozen=True)
class Curve:
    """Precision and recall of the picks that score at least each threshold, highest first."""

    thresholds: Float[np.ndarray, " n"]
    precision: Float[np.ndarray, " n"]
    recall: Float[np.ndarray, " n"]

    @property
    def average_precision(self) -> float:
        """Sum of the precision over the steps of the recall; nan without any reference."""
        if not len(self.recall):
            return 0.0
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    @property
    def best(self) -> tuple[float, float]:
        """Highest F1 and its threshold."""
        total = self.precision + self.recall
        f1 = 2 * self.precision * self.recall / np.where(total > 0, total, 1)
        if not len(f1) or np.isnan(f1).all():
            return float("nan"), float("nan")
        best = int(np.argmax(f1))
        return float(f1[best]), float(self.thresholds[best])


@dataclass(frozen=True)
class Evaluation:
    """All figures of a set of picks.

    Parameters
    ----------
    overall
        Of all micrographs together: counts are summed, picks ranked in one list.
    micrographs
        Of each micrograph of the reference, by name.
    curve
        Precision and recall of all picks.
    unpicked
        Micrographs of the reference without picks: all their particles are missed.
    unreferenced
        Micrographs with picks but without reference: left out of every figure.
    diameter
        Particle diameter, Å.
    tolerance
        Largest distance of a match, in diameters.
    """

    overall: ParticleMetrics
    micrographs: tuple[ParticleMetrics, ...]
    curve: Curve
    unpicked: tuple[str, ...]
    unreferenced: tuple[str, ...]
    diameter: float
    tolerance: float


@dataclass(frozen=True)
class _Outcome:
    """What is summed over micrographs: scores and hits of the picks, matched distances in Å."""

    scores: Float[np.ndarray, " picks"]
    hits: Bool[np.ndarray, " picks"]
    distances: Float[np.ndarray, " pairs"]
    reference: int


def evaluate(
    picks: Mapping[str, Coordinates],
    reference: Mapping[str, Coordinates],
    diameter: float,
    tolerance: float = 0.25,
) -> Evaluation:
    """Figures of picks against a reference, per micrograph and overall.

    Parameters
    ----------
    picks, reference
        By micrograph name; pixel sizes may differ. Names match without what CryoSPARC sets before
        and pickers behind them.
    diameter
        Particle diameter, Å.
    tolerance
        Largest distance of a match, in diameters.

    Raises
    ------
    InputError
        If the reference names no micrograph, or none that the picks name, or the picks name one
        in two ways.
    """
    names = sorted(reference)
    found = names_in_file(picks, names)
    _check_names(picks, reference, found)
    unreferenced = set(picks) - set(found.values())
    picks = {name: picks[text] for name, text in found.items()}
    outcomes = [_compare(picks.get(name), reference[name], tolerance * diameter) for name in names]
    everything = _join(outcomes)
    return Evaluation(
        overall=_metrics(OVERALL, everything),
        micrographs=tuple(_metrics(name, outcome) for name, outcome in zip(names, outcomes)),
        curve=_curve(everything),
        unpicked=tuple(name for name in names if not len(picks.get(name, ()))),
        unreferenced=tuple(sorted(unreferenced)),
        diameter=diameter,
        tolerance=tolerance,
    )


def _check_names(
    picks: Mapping[str, Coordinates],
    reference: Mapping[str, Coordinates],
    found: Mapping[str, str],
) -> None:
    if not reference:
        raise InputError("expected reference coordinates, but the reference names no micrograph")
    if picks and not found:
        raise InputError(
            f"no micrograph is in both sets: the picks are of {min(picks)!r} and others, the "
            f"reference of {min(reference)!r} and others; give sets of the same micrographs"
        )


def _compare(picks: Coordinates | None, reference: Coordinates, tolerance: float) -> _Outcome:
    """Outcome of one micrograph; `tolerance` in Å."""
    if picks is None:
        nothing = np.empty(0)
        return _Outcome(nothing, nothing.astype(bool), nothing, len(reference))
    centers_yx = picks.at_pixel_size(reference.pixel_size).centers_yx
    tolerance_px = tolerance / reference.pixel_size
    pairs = match(centers_yx, reference.centers_yx, tolerance_px)
    hits = ranked_hits(centers_yx, reference.centers_yx, picks.ranking, tolerance_px)
    return _Outcome(picks.ranking, hits, pairs.distances * reference.pixel_size, len(reference))


def _join(outcomes: list[_Outcome]) -> _Outcome:
    return _Outcome(
        np.concatenate([outcome.scores for outcome in outcomes]),
        np.concatenate([outcome.hits for outcome in outcomes]),
        np.concatenate([outcome.distances for outcome in outcomes]),
        sum(outcome.reference for outcome in outcomes),
    )


def _metrics(name: str, outcome: _Outcome) -> ParticleMetrics:
    curve = _curve(outcome)
    best_f1, best_threshold = curve.best
    distances = outcome.distances
    return ParticleMetrics(
        name=name,
        picks=len(outcome.scores),
        reference=outcome.reference,
        true_positives=len(distances),
        average_precision=curve.average_precision,
        best_f1=best_f1,
        best_threshold=best_threshold,
        center_error_mean=float(distances.mean()) if len(distances) else float("nan"),
        center_error_median=float(np.median(distances)) if len(distances) else float("nan"),
    )


def _curve(outcome: _Outcome) -> Curve:
    order = np.argsort(-outcome.scores, kind="stable")
    scores = outcome.scores[order]
    found = np.cumsum(outcome.hits[order])
    last_of_score = np.flatnonzero(np.diff(scores, append=-np.inf))
    found, picked = found[last_of_score], last_of_score + 1
    recall = found / outcome.reference if outcome.reference else np.full(len(found), np.nan)
    return Curve(scores[last_of_score], found / picked, recall)
