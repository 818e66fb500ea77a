# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window shows: micrographs in a list, marks and tints over each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

At = Tuple[float, float]
CIRCLE, DASHED, DOT, CROSS = "circle", "dashed", "dot", "cross"


@dataclass(frozen=True)
class Column:
    """A column of the list.

    Parameters
    ----------
    title
        Its title.
    form
        How `format` writes its values, which are numbers; empty where they are words.
    """

    title: str
    form: str = ""

    def text(self, value: Any) -> str:
        """How a value is written; nothing for None and NaN."""
        return "" if value is None or value != value else format(value, self.form)


@dataclass(frozen=True)
class Marks:
    """Marks of one kind over a micrograph.

    Parameters
    ----------
    centers_yx
        Their centres, (n, 2), px.
    colors
        A colour each.
    diameter_px
        Of circles, and dashed ones.
    kind
        `CIRCLE`, `DASHED`, `DOT` or `CROSS`.
    name
        What they are, for the legend; empty where that is plain.
    """

    centers_yx: np.ndarray
    colors: Sequence[str]
    diameter_px: float
    kind: str = CIRCLE
    name: str = ""


@dataclass(frozen=True)
class Tint:
    """Colours that lie over a micrograph.

    Parameters
    ----------
    colors
        `(h, w, 4)` uint8, red, green, blue and opacity, at any scale; the first pixel has the
        centre of the micrograph's first.
    is_smooth
        Whether colours between two pixels are mixed, as in maps.
    """

    colors: np.ndarray
    is_smooth: bool = False


@dataclass(frozen=True)
class Content:
    """Micrographs, and what lies over them.

    Parameters
    ----------
    title
        What they show.
    columns
        Of the list; the first holds the micrographs' names.
    names
        Of the rows: those of the micrographs, or others that tell them apart.
    files
        Image file of each, by name.
    pixel_sizes
        Å/px of each, by name.
    cells
        Gives the values of a micrograph in the columns.
    marks
        Gives the marks over a micrograph.
    tints
        Gives what can lie over a micrograph by its name in the window: a function that reads it.
    about
        Says what is seen of a micrograph.
    point
        Says what is at a place (y, x) of a micrograph, px; nothing where nothing is.
    over
        Name of what lies over a micrograph at first.
    """

    title: str
    columns: Tuple[Column, ...]
    names: Sequence[str]
    files: Dict[str, str]
    pixel_sizes: Dict[str, float]
    cells: Callable[[str], Tuple[Any, ...]]
    marks: Callable[[str], List[Marks]]
    about: Callable[[str], str]
    point: Callable[[str, At], str] = field(default=lambda name, at: "")
    tints: Callable[[str], Dict[str, Callable[[], Tint]]] = field(default=lambda name: {})
    over: str = ""


def nearest(centers_yx: np.ndarray, at: At, reach: float) -> Optional[int]:
    """Row of the nearest of some centres, (n, 2), to a place; None where none is in reach.

    Parameters
    ----------
    centers_yx, at, reach
        In px.
    """
    away = np.linalg.norm(centers_yx - np.asarray(at), axis=1)
    return int(away.argmin()) if len(away) and away.min() <= reach else None
