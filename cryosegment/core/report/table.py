# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that can be sorted and filtered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Union

FILTERED_ROWS = 6
"""Tables of at least as many rows have a filter."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; nan where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Place:
    """A micrograph that is shown on the page, or a place on it.

    Parameters
    ----------
    micrograph
        Name of one of the page's overlays.
    center_yx
        px of the overlay's picture; None is the whole.
    group
        Marks that are shown there; empty leaves those that are shown.
    """

    micrograph: str
    center_yx: tuple[float, float] | None = None
    group: str = ""


@dataclass(frozen=True)
class Bar:
    """Numbers that are drawn as the parts of a bar."""

    parts: tuple[float, ...]


Cell = Union[str, int, float, None, Estimate, Place, Bar]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    title
        Its head.
    form
        Format of its numbers, such as ".3f"; empty where it holds text.
    help
        What it means, shown when pointed at.
    bars
        Labels and colours of the parts of its bars.
    """

    title: str
    form: str = ""
    help: str = ""
    bars: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Table:
    """A table; its rows stay in their order until someone sorts them.

    Parameters
    ----------
    columns
        From left to right.
    rows
        A cell for each column: text, a number, an estimate, a place or a bar. None and nan are
        shown as a dash, and sort last.
    title
        Above it.
    """

    template: ClassVar[str] = "table.html"
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""

    @property
    def has_filter(self) -> bool:
        """Whether there are rows enough to filter."""
        return len(self.rows) >= FILTERED_ROWS

    @property
    def longest_bar(self) -> float:
        """The largest sum of a bar's parts."""
        bars = (cell for row in self.rows for cell in row if isinstance(cell, Bar))
        return max((sum(bar.parts) for bar in bars), default=0.0) or 1.0


def shown(cell: str | float | None, form: str) -> str:
    """A number or text as it is read."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    return f"{cell:{form}}" if form and not isinstance(cell, str) else str(cell)


def sort_value(cell: Cell) -> str:
    """What a cell is sorted by: a number, text, or nothing. A bar is, by its first part's share."""
    if isinstance(cell, Bar):
        cell = cell.parts[0] / sum(cell.parts) if any(cell.parts) else None
    elif isinstance(cell, Estimate):
        cell = cell.value
    elif isinstance(cell, Place):
        cell = cell.micrograph
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return cell if isinstance(cell, str) else f"{cell:.10g}"
