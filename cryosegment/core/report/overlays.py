# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs with marks, one at a time, to zoom and to move about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from cryosegment.core.report.pictures import Picture

Shape = Literal["circle", "diamond", "square"]


@dataclass(frozen=True)
class MarkStyle:
    """How marks of one kind look; both colour and shape tell kinds apart.

    Parameters
    ----------
    label
        Name of the kind.
    color
        Of CSS.
    shape
        Of the outline.
    """

    label: str
    color: str
    shape: Shape = "circle"


@dataclass(frozen=True)
class Marks:
    """Marks of one kind on one picture.

    Parameters
    ----------
    style
        How they look.
    centers_yx
        px of the picture.
    radius
        px of the picture.
    group
        What they belong to, such as a set of picks: one group is shown at a time.
    """

    style: MarkStyle
    centers_yx: Float[np.ndarray, "n 2"]
    radius: float
    group: str = ""

    @property
    def path(self) -> str:
        """Outlines of all marks, as the path of an SVG."""
        sizes = {"r": f"{self.radius:.1f}", "d": f"{2 * self.radius:.1f}"}
        outline = _OUTLINES[self.style.shape].format_map(sizes)
        # SVG counts from the very corner of the picture
        starts = self.centers_yx + 0.5 - self.radius * np.array(_STARTS[self.style.shape])
        return "".join(f"M{x:.1f} {y:.1f}{outline}" for y, x in starts)


@dataclass(frozen=True)
class Overlay:
    """A micrograph with marks."""

    name: str
    picture: Picture
    marks: Sequence[Marks]


@dataclass(frozen=True)
class Overlays:
    """Micrographs with marks, of which one is shown at a time; all are printed."""

    template: ClassVar[str] = "overlays.html"
    overlays: Sequence[Overlay]

    @property
    def groups(self) -> list[str]:
        """Groups of the marks, in their order."""
        return list(dict.fromkeys(marks.group for each in self.overlays for marks in each.marks))

    @property
    def styles(self) -> list[MarkStyle]:
        """Kinds of the marks, in their order."""
        return list(dict.fromkeys(marks.style for each in self.overlays for marks in each.marks))


_STARTS = {"circle": (0, 1), "diamond": (0, 1), "square": (1, 1)}
"""How far above its centre and left of it an outline begins, in radii."""
_OUTLINES = {
    "circle": "a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0",
    "diamond": "l{r} {r} {r}-{r}-{r}-{r}z",
    "square": "h{d}v{d}h-{d}z",
}
