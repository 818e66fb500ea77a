# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of a mask against those of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from cryosegment.core.evaluation.curves import rank
from cryosegment.core.evaluation.matching import Pairs, has_partner, ranked_partners
from cryosegment.core.evaluation.rules import OVERLAPS

Labels = Int[np.ndarray, "h w"]


@dataclass(frozen=True)
class InstanceOutcome:
    """Instances of one image or of several, compared with those of the reference.

    Parameters
    ----------
    scores
        Of the instances.
    hits
        Whether they are right at each of `OVERLAPS`.
    reference
        Number of instances of the reference.
    """

    scores: Float[np.ndarray, " instances"]
    hits: Bool[np.ndarray, "overlaps instances"]
    reference: int

    def average_precisions(self) -> list[float]:
        """Average precision at each of `OVERLAPS`."""
        return [rank(self.scores, hits, self.reference).average_precision for hits in self.hits]


def compare_instances(
    found: Labels, reference: Labels, scores: Float[np.ndarray, " instances"]
) -> InstanceOutcome:
    """Compare two maps of instances: 0 is background, every other number an instance.

    Parameters
    ----------
    scores
        Of the instances, by their numbers in order.
    """
    numbers, areas = _areas(found)
    known, known_areas = _areas(reference)
    both = (found > 0) & (reference > 0)
    rows, columns = np.searchsorted(numbers, found[both]), np.searchsorted(known, reference[both])
    kinds, shared = np.unique(rows * max(len(known), 1) + columns, return_counts=True)
    rows, columns = np.divmod(kinds, max(len(known), 1))
    overlaps = shared / (areas[rows] + known_areas[columns] - shared)
    pairs = Pairs(rows, columns, 1 - overlaps, (len(numbers), len(known)))
    hits = np.zeros((len(OVERLAPS), len(numbers)), bool)
    for row, least in enumerate(OVERLAPS):
        partners = ranked_partners(pairs.select(overlaps >= least), scores)
        hits[row] = has_partner(partners, len(numbers))
    return InstanceOutcome(scores, hits, len(known))


def instance_numbers(labels: Labels) -> Int[np.ndarray, " instances"]:
    """Numbers of the instances of a map, in order."""
    return _areas(labels)[0]


def scores_of_instances(
    labels: Labels,
    centers_yx: Float[np.ndarray, "picks 2"],
    scores: Float[np.ndarray, " picks"],
) -> Float[np.ndarray, " instances"]:
    """Scores of the instances, by their numbers in order: that of the best pick within each.

    An instance without a pick comes after all others.

    Parameters
    ----------
    centers_yx
        Of the picks, px of the map.
    scores
        Of the picks.
    """
    numbers = instance_numbers(labels)
    values = np.full(len(numbers), scores.min() - 1 if len(scores) else 0.0)
    places = np.rint(centers_yx).astype(int)
    inside = ((places >= 0) & (places < labels.shape)).all(axis=1)
    at_center = labels[places[inside, 0], places[inside, 1]]
    on_instance = at_center > 0
    rows = np.searchsorted(numbers, at_center[on_instance])
    np.maximum.at(values, rows, scores[inside][on_instance])
    return values


def join_instances(outcomes: Sequence[InstanceOutcome]) -> InstanceOutcome:
    """The outcome of several images together."""
    return InstanceOutcome(
        np.concatenate([each.scores for each in outcomes]),
        np.concatenate([each.hits for each in outcomes], axis=1),
        sum(each.reference for each in outcomes),
    )


def _areas(labels: Labels) -> tuple[Int[np.ndarray, " instances"], Int[np.ndarray, " instances"]]:
    """Numbers of the instances in order, and how many pixels each has."""
    counts = np.bincount(np.maximum(labels, 0).reshape(-1))
    counts[0] = 0
    numbers = np.flatnonzero(counts)
    return numbers, counts[numbers]
