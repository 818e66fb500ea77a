# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks on which several sets agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from cryosegment.core.consensus.agreement import group_picks
from cryosegment.exchange.consensus import ConsensusPicks
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.names import names_in_file

PickSet = Mapping[str, Coordinates]
"""Coordinates by micrograph."""

DECIMALS = 9
"""Of scores: more would depend on the order of the sets."""


class Consensus:
    """The particles of several sets of picks, and how many sets have each.

    The score of a particle is its mean rank: in each set, the share of the set's picks that score
    no more than it does, and 0 where the set does not have it. So scores of any kind go together,
    and the picks of a set without scores all count as its best.

    Parameters
    ----------
    sets
        The sets. Micrographs that only some of them have are without votes of the others. Names
        may differ as `names_in_file` says; results have those of the first set.
    pixel_size
        Of the micrographs, Å/px; that of the sets may differ.
    diameter
        Of the particle, Å.
    radius
        Largest distance between any two picks of one particle, Å.

    Raises
    ------
    InputError
        If a set names a micrograph in two ways, or if no two sets share a micrograph.
    """

    def __init__(
        self, sets: Sequence[PickSet], pixel_size: float, diameter: float, radius: float
    ) -> None:
        self._sets = alike(sets)
        self._pixel_size, self._diameter, self._radius = pixel_size, diameter, radius
        self._ranked = [_sorted_scores(picks) for picks in self._sets]
        self.names = sorted({name for picks in self._sets for name in picks})

    def missing(self) -> list[list[str]]:
        """Micrographs that each set lacks."""
        return [[name for name in self.names if name not in picks] for picks in self._sets]

    def content(self, name: str) -> bytes:
        """What the particles of a micrograph depend on, but for ranks among other micrographs."""
        found = [picks.get(name) for picks in self._sets]
        parts = [(c.centers_yx * c.pixel_size, c.ranking, c.diameters) if c else () for c in found]
        return b"|".join(b"".join(array.tobytes() for array in part) for part in parts)

    def particles(self, name: str) -> ConsensusPicks:
        """All particles of a micrograph, those of a single vote as well, best score first."""
        owners, picks = self._picks(name)
        centers_yx = np.concatenate([each.centers_yx for each in picks])
        ranks = np.concatenate(
            [
                np.searchsorted(ranked, each.ranking, side="right") / max(1, len(ranked))
                for ranked, each in zip(self._ranked, picks, strict=True)
            ]
        )
        radius, diameter = self._radius / self._pixel_size, self._diameter / self._pixel_size
        groups = group_picks(centers_yx, owners, ranks, radius, diameter)
        count = int(groups.max(initial=-1)) + 1
        is_in = np.zeros((count, len(picks)), bool)
        is_in[groups, owners] = True
        set_scores = np.full((count, len(picks)), np.nan)
        set_scores[groups, owners] = np.concatenate([each.scores for each in picks])
        scores = np.bincount(groups, ranks, minlength=count) / len(picks)
        found = Coordinates(
            np.stack([_means(groups, values, count) for values in centers_yx.T], axis=1),
            self._pixel_size,
            name,
            np.round(scores, DECIMALS),
            diameters=_means(groups, np.concatenate([each.diameters for each in picks]), count),
        )
        order = np.lexsort((*found.centers_yx.T, -found.scores))
        return ConsensusPicks(found, is_in, set_scores).select(order)

    def _picks(self, name: str) -> tuple[Int[np.ndarray, " picks"], list[Coordinates]]:
        """Number of the set of each pick of a micrograph, and its picks in each set."""
        nothing = Coordinates(np.empty((0, 2)), self._pixel_size, name)
        picks = [each.get(name, nothing).at_pixel_size(self._pixel_size) for each in self._sets]
        return np.repeat(np.arange(len(picks)), [len(each) for each in picks]), picks


def far_from(
    found: Coordinates, others: Coordinates | None, radius: float
) -> Bool[np.ndarray, " n"]:
    """Mask of the particles that are farther than the radius (Å) from all others."""
    if others is None or not len(others) or not len(found):
        return np.ones(len(found), bool)
    tree = cKDTree(others.at_pixel_size(found.pixel_size).centers_yx)
    distances, _ = tree.query(found.centers_yx)
    return np.asarray(distances > radius / found.pixel_size)


def alike(sets: Sequence[PickSet]) -> list[dict[str, Coordinates]]:
    """The sets, with a micrograph of several under the name that it has in the first.

    Raises
    ------
    InputError
        If a set names a micrograph in two ways, or if no two sets share a micrograph.
    """
    known: dict[str, None] = {}
    found = []
    for picks in sets:
        own = {text: name for name, text in names_in_file(picks, list(known)).items()}
        names = {text: own.get(text, text) for text in picks}
        found.append({name: picks[text].renamed(name) for text, name in names.items()})
        known.update(dict.fromkeys(names.values()))
    filled = [each for each in found if each]
    if len(filled) > 1 and len(known) == sum(map(len, filled)):
        first, second = (min(each) for each in filled[:2])
        raise InputError(
            f"no micrograph is in two sets: the first is of {first!r} and others, the second of "
            f"{second!r} and others; give each picker's file or folder of the same micrographs"
        )
    return found


def _sorted_scores(picks: PickSet) -> Float[np.ndarray, " n"]:
    return np.sort(np.concatenate([np.empty(0), *(each.ranking for each in picks.values())]))


def _means(
    groups: Int[np.ndarray, " picks"], values: Float[np.ndarray, " picks"], count: int
) -> Float[np.ndarray, " groups"]:
    """Mean of the known values of each group; NaN where none is known."""
    is_known = ~np.isnan(values)
    known = np.bincount(groups[is_known], minlength=count)
    total = np.bincount(groups[is_known], values[is_known], minlength=count)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)
