# SPDX-License-Identifier: GPL-3.0-or-later
"""Screening of particles: which can be labelled, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Particles

NO_COORDINATES = "no coordinates"
OUTSIDE = "outside the micrograph"
NO_ORIENTATION = "no orientation"
OTHER_CLASS = "class not chosen"
CONTAMINATED = "contaminated"
POOR = "poor score"
DUPLICATE = "duplicate"
NOT_GIVEN = "micrograph not given"
REASONS = (
    NO_COORDINATES,
    OUTSIDE,
    OTHER_CLASS,
    CONTAMINATED,
    NO_ORIENTATION,
    POOR,
    DUPLICATE,
)
VISIBLE = (OUTSIDE, OTHER_CLASS, CONTAMINATED, POOR)
"""Particles rejected for these reasons may be visible: their area is labelled unknown."""
ASKED_FOR = (OTHER_CLASS, CONTAMINATED)
"""Reasons that a user chose: a micrograph may end up without particles because of them."""

P = TypeVar("P", Coordinates, Particles)


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
        Its position, px; NaN if unknown.
    reason
        One of `REASONS`, or `NOT_GIVEN`.
    detail
        Further details.
    """

    row: int
    micrograph: str
    center_yx: tuple[float, float]
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Screening(Generic[P]):
    """The particles of one micrograph: those to label, and the others with the reasons.

    Attributes
    ----------
    labelled
        Particles to label.
    doubtful
        Rejected particles whose footprint is known: it is labelled unknown.
    shapeless
        Rejected particles without orientation: a disc is labelled unknown.
    rejections
        All particles that are not labelled.
    """

    labelled: P
    doubtful: P
    shapeless: P
    rejections: tuple[Rejection, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of particles, of those labelled, and of those rejected by reason."""
        reasons = Counter(rejection.reason for rejection in self.rejections)
        labelled = len(self.labelled)
        every = {"particles": labelled + len(self.rejections), "labelled": labelled}
        return {**every, **{reason: reasons[reason] for reason in REASONS}}


def screen(
    particles: P,
    names: Sequence[str],
    centers_yx: Float[np.ndarray, "n 2"],
    shape: tuple[int, int],
    min_distance_px: float,
    flaws: Mapping[str, Bool[np.ndarray, " n"]],
) -> Screening[P]:
    """Screen the particles of one micrograph.

    Parameters
    ----------
    particles
        Of one micrograph.
    names
        Name of the micrograph in their file, for the rejections.
    centers_yx
        Their centres, px.
    shape
        Rows and columns of the micrograph.
    min_distance_px
        Of two particles closer than this, the one with the lower score is a duplicate; if scores
        are equal, the later.
    flaws
        Further reasons to reject particles, the most important first, with masks of the particles.
    """
    is_placed = np.isfinite(centers_yx).all(axis=1)
    reasons = np.full(len(particles), "", dtype=object)
    details = reasons.copy()
    for reason, has_it in {
        NO_COORDINATES: ~is_placed,
        OUTSIDE: is_placed & ~_lies_inside(centers_yx, shape),
        **flaws,
    }.items():
        reasons[has_it & (reasons == "")] = reason
    fit = np.flatnonzero(reasons == "")
    for later, earlier in _duplicates(centers_yx[fit], particles.scores[fit], min_distance_px):
        reasons[fit[later]] = DUPLICATE
        details[fit[later]] = f"of row {particles.rows[fit[earlier]]}"
    is_seen = np.isin(reasons, (*VISIBLE, NO_ORIENTATION))
    is_shapeless = flaws.get(NO_ORIENTATION, np.zeros(len(particles), bool))
    rejections = tuple(
        Rejection(int(particles.rows[i]), names[i], _pair(centers_yx[i]), reasons[i], details[i])
        for i in np.flatnonzero(reasons != "")
    )
    return Screening(
        particles.select(reasons == ""),
        particles.select(is_seen & ~is_shapeless),
        particles.select(is_seen & is_shapeless),
        rejections,
    )


def area_flaws(
    contaminated: Bool[np.ndarray, "h w"] | None, centers_yx: Float[np.ndarray, "n 2"]
) -> dict[str, Bool[np.ndarray, " n"]]:
    """Particles whose centre is on a contaminated pixel, if these are known."""
    if contaminated is None:
        return {}
    inside = _lies_inside(centers_yx, contaminated.shape)
    rows, columns = np.where(inside[:, None], centers_yx, 0.0).round().astype(np.intp).T
    return {CONTAMINATED: inside & contaminated[rows, columns]}


def class_flaws(particles: Particles, classes: Sequence[int]) -> dict[str, Bool[np.ndarray, " n"]]:
    """Particles of other classes than those chosen; none if no class was chosen."""
    return {OTHER_CLASS: ~np.isin(particles.classes, classes)} if classes else {}


def pose_flaws(particles: Particles, min_score: float | None) -> dict[str, Bool[np.ndarray, " n"]]:
    """Particles without an orientation, and those without a score of at least `min_score`."""
    flaws = {NO_ORIENTATION: ~np.isfinite(particles.angles).all(axis=1)}
    if min_score is not None:
        flaws[POOR] = ~(particles.scores >= min_score)
    return flaws


def check_scored(scores: Float[np.ndarray, " n"], min_score: float | None, of: str) -> None:
    """Check that some particle has a score, if there is a lowest score.

    Raises
    ------
    InputError
        If no particle has one; `of` names their file in the message.
    """
    if min_score is not None and len(scores) and np.isnan(scores).all():
        raise InputError(
            f"expected scores of at least {min_score:g}, but the particles of {of} have none: "
            "give picks with scores, or leave out --min-score"
        )


def not_given(
    rows: Sequence[int], names: Sequence[str], centers_yx: Float[np.ndarray, "n 2"]
) -> list[Rejection]:
    """Rejections of particles on micrographs that were not given."""
    return [
        Rejection(int(row), name, _pair(center), NOT_GIVEN)
        for row, name, center in zip(rows, names, centers_yx, strict=True)
    ]


def _pair(center_yx: Float[np.ndarray, " 2"]) -> tuple[float, float]:
    return float(center_yx[0]), float(center_yx[1])


def _lies_inside(
    centers_yx: Float[np.ndarray, "n 2"], shape: tuple[int, ...]
) -> Bool[np.ndarray, " n"]:
    return ((centers_yx >= -0.5) & (centers_yx < np.array(shape) - 0.5)).all(axis=1)


def _duplicates(
    centers_yx: Float[np.ndarray, "n 2"], scores: Float[np.ndarray, " n"], distance: float
) -> list[tuple[int, int]]:
    """Pairs of a duplicate and the particle that is kept."""
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
