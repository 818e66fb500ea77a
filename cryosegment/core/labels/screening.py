# SPDX-License-Identifier: GPL-3.0-or-later
"""Which particles of a micrograph can be labelled, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from cryosegment.exchange.particles import Particles

NO_COORDINATES = "no coordinates"
OUTSIDE = "outside the micrograph"
NO_ORIENTATION = "no orientation"
POOR = "poor score"
DUPLICATE = "duplicate"
NOT_GIVEN = "micrograph not given"
REASONS = (NO_COORDINATES, OUTSIDE, NO_ORIENTATION, POOR, DUPLICATE)


@dataclass(frozen=True)
class Rejection:
    """A particle that gets no label.

    Attributes
    ----------
    row
        Its number in the particle file, from 1.
    micrograph
        Its micrograph, as the file names it.
    center_yx
        Where it would lie, px; NaN where unknown.
    reason
        One of `REASONS`, or `NOT_GIVEN`.
    detail
        What there is to say beside.
    """

    row: int
    micrograph: str
    center_yx: tuple[float, float]
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Screening:
    """The particles of one micrograph, sorted by what can be done with them.

    Attributes
    ----------
    labelled
        Particles to label.
    doubtful
        Particles whose footprint is known but not to be trusted: unknown area.
    shapeless
        Particles without orientation: an unknown disc.
    rejections
        All that are not labelled.
    """

    labelled: Particles
    doubtful: Particles
    shapeless: Particles
    rejections: tuple[Rejection, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of particles, of those labelled, and of those rejected by reason."""
        reasons = Counter(rejection.reason for rejection in self.rejections)
        labelled = len(self.labelled)
        every = {"particles": labelled + len(self.rejections), "labelled": labelled}
        return {**every, **{reason: reasons[reason] for reason in REASONS}}


def screen(
    particles: Particles,
    centers_yx: Float[np.ndarray, "n 2"],
    shape: tuple[int, int],
    min_distance_px: float,
    min_score: float | None = None,
) -> Screening:
    """Sort the particles of one micrograph.

    Parameters
    ----------
    particles
        Of one micrograph.
    centers_yx
        Their refined centres, px.
    shape
        Rows and columns of the micrograph.
    min_distance_px
        Of two particles nearer than this, the one with the lower score is a duplicate; of equal
        ones the later.
    min_score
        Particles with a lower score, or none, are doubtful; None trusts all.
    """
    reasons: list[str] = [""] * len(particles)
    details: list[str] = [""] * len(particles)

    def reject(which: Bool[np.ndarray, " n"], reason: str) -> None:
        for i in np.flatnonzero(which):
            reasons[i] = reasons[i] or reason

    is_placed = np.isfinite(centers_yx).all(axis=1)
    is_inside = ((centers_yx >= -0.5) & (centers_yx < np.array(shape) - 0.5)).all(axis=1)
    reject(~is_placed, NO_COORDINATES)
    reject(~is_inside, OUTSIDE)
    reject(~np.isfinite(particles.angles).all(axis=1), NO_ORIENTATION)
    if min_score is not None:
        reject(~(particles.scores >= min_score), POOR)
    fit = np.flatnonzero([not reason for reason in reasons])
    for later, earlier in _duplicates(centers_yx[fit], particles.scores[fit], min_distance_px):
        reasons[fit[later]] = DUPLICATE
        details[fit[later]] = f"of row {particles.rows[fit[earlier]]}"
    kinds = np.array(reasons)
    return Screening(
        particles.select(kinds == ""),
        particles.select(kinds == POOR),
        particles.select(kinds == NO_ORIENTATION),
        tuple(
            Rejection(
                int(particles.rows[i]),
                particles.micrographs[i],
                (float(centers_yx[i, 0]), float(centers_yx[i, 1])),
                reasons[i],
                details[i],
            )
            for i in np.flatnonzero(kinds != "")
        ),
    )


def _duplicates(
    centers_yx: Float[np.ndarray, "n 2"], scores: Float[np.ndarray, " n"], distance: float
) -> list[tuple[int, int]]:
    """Pairs of a particle to drop and the one that is kept in its place."""
    if not len(centers_yx) or distance <= 0:
        return []
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    tree = cKDTree(centers_yx)
    kept_by = np.full(len(centers_yx), -1)
    dropped = []
    for i in order:
        if kept_by[i] >= 0:
            dropped.append((int(i), int(kept_by[i])))
            continue
        near = [j for j in tree.query_ball_point(centers_yx[i], distance) if j != i]
        for j in near:
            if kept_by[j] < 0:
                kept_by[j] = i
    return dropped
