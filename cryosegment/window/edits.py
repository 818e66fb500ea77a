# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks that were added and removed by hand, each of which can be taken back."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Set, Tuple

import numpy as np

from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.coordinates.record import OPTIONAL


class Edit(NamedTuple):
    """A pick that was added or removed.

    Parameters
    ----------
    name
        Of the micrograph.
    is_added
        Whether it was added.
    row
        Of the candidate; None for a place without one.
    center_yx
        That place, px.
    """

    name: str
    is_added: bool
    row: Optional[int] = None
    center_yx: Tuple[float, float] = (0.0, 0.0)


class Edits:
    """All that was added and removed, in its order."""

    def __init__(self) -> None:
        self._made: List[Edit] = []

    def __len__(self) -> int:
        return len(self._made)

    def add(self, edit: Edit) -> None:
        """Remember an edit."""
        self._made.append(edit)

    def undo(self) -> Optional[Edit]:
        """Forget the last edit, and give it; None where there is none."""
        return self._made.pop() if self._made else None

    @property
    def names(self) -> Set[str]:
        """Micrographs that have any."""
        return {edit.name for edit in self._made}

    def chosen(self, name: str, chosen: np.ndarray) -> np.ndarray:
        """Mask of the candidates of a micrograph that are picks, (n,), after the edits."""
        after = chosen.copy()
        for edit in self._made:
            if edit.name == name and edit.row is not None:
                after[edit.row] = edit.is_added
        return after

    def places(self, name: str) -> np.ndarray:
        """Centres of picks where there is no candidate, (n, 2) as (y, x), px."""
        found: List[Tuple[float, float]] = []
        for edit in self._made:
            if edit.name == name and edit.row is None:
                if edit.is_added:
                    found.append(edit.center_yx)
                else:
                    found.remove(edit.center_yx)
        return np.array(found, float).reshape(-1, 2)


def with_places(picks: Coordinates, centers_yx: np.ndarray) -> Coordinates:
    """Picks, and after them places of which nothing else is known.

    Parameters
    ----------
    picks
        Of a micrograph.
    centers_yx
        Centres, (n, 2), px.
    """
    unknown = np.full(len(centers_yx), np.nan)
    values = {name: np.concatenate([getattr(picks, name), unknown]) for name in OPTIONAL}
    centers = np.concatenate([picks.centers_yx, centers_yx])
    return Coordinates(centers, picks.pixel_size, picks.name, **values)
