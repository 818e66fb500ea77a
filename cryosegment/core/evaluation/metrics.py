# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks against reference coordinates: how many are right, and how well they are centred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosegment.core.evaluation.curves import RankedCounts, f1_score, rank
from cryosegment.core.evaluation.discs import disc_rows
from cryosegment.core.evaluation.intervals import Draws, draw, intervals
from cryosegment.core.evaluation.outcomes import Outcome, compare, join
from cryosegment.core.evaluation.pixels import ratio
from cryosegment.core.evaluation.reliability import (
    are_probabilities,
    calibration_error,
    reliability,
    sums_by_bin,
)
from cryosegment.core.evaluation.rules import NOTHING_IGNORED, OVERLAPS, Ignored, Rules
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    OVERALL,
    BoxMetrics,
    DistanceMetrics,
    MicrographMetrics,
    ParticleMetrics,
    SetEvaluation,
)
from cryosegment.exchange.names import names_in_file

QUANTILES = 101
"""Of the centring errors."""


@dataclass(frozen=True)
class Scored:
    """Figures of a set, and what they are in draws of its micrographs."""

    evaluation: SetEvaluation
    draws: Draws


def evaluate(
    picks: Mapping[str, Coordinates],
    reference: Mapping[str, Coordinates],
    diameter: float,
    tolerance: float = 0.25,
) -> SetEvaluation:
    """Figures of picks against a reference, per micrograph and overall, without intervals.

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
    rules = Rules(diameter, tolerance * diameter, diameter)
    return score("", picks, reference, rules).evaluation


def score(
    name: str,
    picks: Mapping[str, Coordinates],
    reference: Mapping[str, Coordinates],
    rules: Rules,
    ignored: Callable[[str], Ignored] = lambda name: NOTHING_IGNORED,
) -> Scored:
    """Figures of a set of picks against a reference.

    Parameters
    ----------
    name
        Of the set.
    picks, reference
        As in `evaluate`.
    rules
        When a pick is right, and what is measured.
    ignored
        Gives the region of a micrograph that does not count.

    Raises
    ------
    InputError
        As in `evaluate`.
    """
    names = sorted(reference)
    found = names_in_file(picks, names)
    _check_names(picks, reference, found)
    unreferenced = set(picks) - set(found.values())
    outcomes, rows = [], []
    for each in names:
        known = reference[each]
        nothing = Coordinates(np.empty((0, 2)), known.pixel_size, each)
        own = picks[found[each]] if each in found else nothing
        compared = compare(own, known, rules, ignored(each))
        outcomes.append(compared.outcome)
        marks = {"pick_marks": compared.pick_marks, "reference_marks": compared.reference_marks}
        values = _figures(each, compared.outcome, rules)
        rows.append(MicrographMetrics(**{**values, **marks}))
    everything = join(outcomes)
    draws = draw(outcomes, rules)
    errors = [abs(row.count_error) for row in rows if row.reference]
    evaluation = SetEvaluation(
        name=name,
        overall=ParticleMetrics(**_figures(OVERALL, everything, rules)),
        micrographs=tuple(rows),
        curve=_ranked(everything).curve(),
        unpicked=tuple(each for each in names if each not in found or not len(picks[found[each]])),
        unreferenced=tuple(sorted(unreferenced)),
        intervals=intervals(draws),
        mean_count_error=float(np.mean(errors)) if errors else float("nan"),
        center_errors=_quantiles(everything),
        reliability=reliability(everything),
        distances=_at_distances(everything, rules),
        boxes=_boxes(everything, rules) if rules.box_map else None,
        discs=disc_rows([each.discs for each in outcomes]) if rules.disc_pixels else (),
    )
    return Scored(evaluation, draws)


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


def _ranked(outcome: Outcome) -> RankedCounts:
    return rank(outcome.scores, outcome.hits, outcome.reference)


def _figures(name: str, outcome: Outcome, rules: Rules) -> dict[str, Any]:
    """Fields of `ParticleMetrics`."""
    picks, reference, right = len(outcome.scores), outcome.reference, int(outcome.hits.sum())
    ranked, distances, nan = _ranked(outcome), outcome.distances, float("nan")
    best_f1, best_threshold = ranked.best
    calibration = nan
    if are_probabilities(outcome):
        calibration = float(calibration_error(sums_by_bin(outcome.scores, outcome.hits)))
    return {
        "name": name,
        "picks": picks,
        "reference": reference,
        "true_positives": right,
        "false_positives": picks - right,
        "false_negatives": reference - right,
        "duplicates": outcome.duplicates,
        **_rates(outcome.hits, reference, rules.beta),
        "average_precision": ranked.average_precision,
        "best_f1": best_f1,
        "best_threshold": best_threshold if outcome.is_scored else nan,
        "center_error_mean": float(distances.mean()) if len(distances) else nan,
        "center_error_median": float(np.median(distances)) if len(distances) else nan,
        "count_error": ratio(picks - reference, reference),
        "calibration_error": calibration,
    }


def _rates(hits: np.ndarray, reference: int, beta: float) -> dict[str, float]:
    right, picks = int(hits.sum()), len(hits)
    found, picked, total = np.array([[right], [picks], [reference]], float)
    return {
        "precision": ratio(right, picks),
        "recall": ratio(right, reference),
        "f1": float(f1_score(found, picked, total)[0]),
        "f_beta": float(f1_score(found, picked, total, beta)[0]),
    }


def _quantiles(outcome: Outcome) -> tuple[float, ...]:
    if not len(outcome.distances):
        return ()
    values = np.quantile(outcome.distances, np.linspace(0, 1, QUANTILES))
    return tuple(np.round(values, 3).tolist())


def _at_distances(outcome: Outcome, rules: Rules) -> tuple[DistanceMetrics, ...]:
    return tuple(
        DistanceMetrics(
            distance,
            **_rates(hits, outcome.reference, rules.beta),
            average_precision=rank(outcome.scores, hits, outcome.reference).average_precision,
        )
        for distance, hits in zip(rules.distances, outcome.further, strict=True)
    )


def _boxes(outcome: Outcome, rules: Rules) -> BoxMetrics:
    """Box figures as CRISP gives them, which takes all scores for equal."""
    equal = np.ones(len(outcome.scores))
    hits = outcome.boxes
    rates = [_rates(each, outcome.reference, rules.beta) for each in hits]
    precisions = [rank(equal, each, outcome.reference).average_precision for each in hits]
    return BoxMetrics(
        rules.side,
        OVERLAPS,
        tuple(each["precision"] for each in rates),
        tuple(each["recall"] for each in rates),
        tuple(precisions),
        float(np.mean(precisions)),
    )
