# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a micrograph is seen, and how large."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Tuple

import numpy as np

LARGEST = 32.0  # screen px of a pixel of the micrograph
SMALLEST_PART = 0.5  # of the scale at which the whole micrograph is seen


@dataclass(frozen=True)
class View:
    """The part of a micrograph that a canvas shows.

    Parameters
    ----------
    left, top
        Place of the canvas's upper left corner, px of the micrograph from the corner of its first
        pixel.
    scale
        Screen px of a pixel of the micrograph.
    """

    left: float
    top: float
    scale: float

    @classmethod
    def of_all(cls, shape: Tuple[int, int], size: Tuple[int, int]) -> View:
        """The view in which all of a micrograph is seen.

        Parameters
        ----------
        shape
            Its rows and columns.
        size
            Width and height of the canvas, px.
        """
        (height, width), (across, down) = shape, size
        scale = min(across / width, down / height)
        return cls((width - across / scale) / 2, (height - down / scale) / 2, scale)

    def on_screen(self, centers_yx: np.ndarray) -> np.ndarray:
        """Places of centres, (n, 2) as (y, x), on the canvas, (n, 2) as (x, y)."""
        return (np.asarray(centers_yx)[:, ::-1] + 0.5 - (self.left, self.top)) * self.scale

    def in_micrograph(self, x: float, y: float) -> Tuple[float, float]:
        """Place (y, x) in the micrograph, px from the centre of its first pixel."""
        return self.top + y / self.scale - 0.5, self.left + x / self.scale - 0.5

    def moved(self, x: float, y: float) -> View:
        """The view after its content was pushed by so many screen px."""
        return replace(self, left=self.left - x / self.scale, top=self.top - y / self.scale)

    def zoomed(self, factor: float, x: float, y: float) -> View:
        """The view that is larger by a factor, with the same pixel at (x, y) of the canvas."""
        scale = min(self.scale * factor, LARGEST)
        left = self.left + x / self.scale - x / scale
        top = self.top + y / self.scale - y / scale
        return View(left, top, scale)
