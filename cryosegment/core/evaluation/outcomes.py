# SPDX-License-Identifier: GPL-3.0-or-later
"""What is summed over micrographs: which picks are right, and how far off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cryosegment.core.evaluation.discs import count_discs
from cryosegment.core.evaluation.matching import (
    best_pairs,
    has_partner,
    near,
    overlapping,
    ranked_partners,
)
from cryosegment.core.evaluation.pixels import PixelCounts
from cryosegment.core.evaluation.rules import NOTHING_IGNORED, OVERLAPS, Ignored, Rules
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.evaluation import ALONE, DUPLICATE, IGNORED, PAIRED


@dataclass(frozen=True)
class Outcome:
    """Picks of one micrograph or of several, compared with the reference.

    Parameters
    ----------
    scores, hits
        Of the picks that count, and whether they are right.
    distances
        Of matched picks from their particles, Å.
    reference
        Number of particles that count.
    duplicates
        Number of wrong picks on a particle that another pick has.
    is_scored
        Whether all picks have a score.
    further
        Whether the picks are right at each further distance.
    boxes
        Whether their boxes are right at each of `OVERLAPS`.
    discs
        Pixels of discs around picks and particles.
    """

    scores: Float[np.ndarray, " picks"]
    hits: Bool[np.ndarray, " picks"]
    distances: Float[np.ndarray, " pairs"]
    reference: int
    duplicates: int
    is_scored: bool
    further: Bool[np.ndarray, "distances picks"]
    boxes: Bool[np.ndarray, "overlaps picks"]
    discs: PixelCounts


@dataclass(frozen=True)
class Compared:
    """Outcome of a micrograph, and the marks of its picks and particles in their order."""

    outcome: Outcome
    pick_marks: str
    reference_marks: str


def compare(
    picks: Coordinates, reference: Coordinates, rules: Rules, ignored: Ignored = NOTHING_IGNORED
) -> Compared:
    """Compare the picks of a micrograph with its particles.

    A pick in an ignored region, or on a particle there, counts only where it matches a particle
    outside.
    """
    size = reference.pixel_size
    centers_yx, particles_yx = picks.at_pixel_size(size).centers_yx, reference.centers_yx
    is_counted = ~ignored.holds(particles_yx, size)
    pairs = rules.pairs(centers_yx, particles_yx[is_counted], size)
    partners = ranked_partners(pairs, picks.ranking)
    hits = has_partner(partners, len(picks))
    elsewhere = ignored.holds(centers_yx, size)
    elsewhere[rules.pairs(centers_yx, particles_yx[~is_counted], size).picks] = True
    counts = hits | ~elsewhere
    is_duplicate = np.zeros(len(picks), bool)
    is_duplicate[pairs.picks] = True
    is_duplicate &= counts & ~hits
    pick_marks = np.select([hits, is_duplicate, counts], [PAIRED, DUPLICATE, ALONE], IGNORED)
    reference_marks = np.full(len(reference), IGNORED)
    reference_marks[is_counted] = np.where(partners >= 0, PAIRED, ALONE)
    rows, columns = best_pairs(pairs)
    apart = np.linalg.norm(centers_yx[rows] - particles_yx[is_counted][columns], axis=1)
    chosen, known = picks.select(counts), reference.select(is_counted)
    further, boxes = _others(chosen, known, rules)
    outcome = Outcome(
        scores=chosen.ranking,
        hits=hits[counts],
        distances=apart * size,
        reference=len(known),
        duplicates=int(is_duplicate.sum()),
        is_scored=not bool(np.isnan(chosen.scores).any()),
        further=further,
        boxes=boxes,
        discs=count_discs(chosen, known, rules.diameter) if rules.disc_pixels else PixelCounts(),
    )
    return Compared(outcome, "".join(pick_marks), "".join(reference_marks))


def _others(
    picks: Coordinates, reference: Coordinates, rules: Rules
) -> tuple[Bool[np.ndarray, "distances picks"], Bool[np.ndarray, "overlaps picks"]]:
    """Which picks are right at further distances, and by the overlap of boxes."""
    size, scores = reference.pixel_size, picks.ranking
    centers_yx, particles_yx = picks.at_pixel_size(size).centers_yx, reference.centers_yx
    distances, overlaps = rules.distances, OVERLAPS if rules.box_map else ()
    further = np.zeros((len(distances), len(picks)), bool)
    boxes = np.zeros((len(overlaps), len(picks)), bool)
    if distances:
        pairs = near(centers_yx, particles_yx, distances[-1] / size)
        for row, distance in enumerate(distances):
            partners = ranked_partners(pairs.select(pairs.costs <= distance / size), scores)
            further[row] = has_partner(partners, len(picks))
    if overlaps:
        pairs = overlapping(centers_yx, particles_yx, rules.side / size, overlaps[0])
        for row, overlap in enumerate(overlaps):
            partners = ranked_partners(pairs.select(pairs.costs <= 1 - overlap), scores)
            boxes[row] = has_partner(partners, len(picks))
    return further, boxes


def join(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of several micrographs together."""
    return Outcome(
        scores=np.concatenate([each.scores for each in outcomes]),
        hits=np.concatenate([each.hits for each in outcomes]),
        distances=np.concatenate([each.distances for each in outcomes]),
        reference=sum(each.reference for each in outcomes),
        duplicates=sum(each.duplicates for each in outcomes),
        is_scored=all(each.is_scored for each in outcomes),
        further=np.concatenate([each.further for each in outcomes], axis=1),
        boxes=np.concatenate([each.boxes for each in outcomes], axis=1),
        discs=sum((each.discs for each in outcomes), PixelCounts()),
    )
