# SPDX-License-Identifier: GPL-3.0-or-later
"""The window in which a particle diameter is measured."""

from __future__ import annotations

import tkinter as tk
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
from matplotlib.backend_bases import MouseButton, MouseEvent
from pwem.objects import Micrograph
from pyworkflow.gui.widgets import LabelSlider

from cryosegment.viewers.plots import draw_circles
from cryosegment.wizards.micrograph_dialog import MicrographDialog

FIRST_DIAMETER = 150.0  # Å, where nothing is known
SMALLEST_PX, LARGEST_PART = 5, 0.5  # of what can be chosen: px, part of the micrograph's side
Centers = Callable[[Micrograph], np.ndarray]


Point = Tuple[float, float]


def circle_between(start: Point, end: Point) -> Tuple[np.ndarray, float]:
    """Centre and diameter of the circle that has two points as opposite sides."""
    first, second = np.array(start, float), np.array(end, float)
    return (first + second) / 2, float(np.linalg.norm(second - first))


class DiameterDialog(MicrographDialog):
    """A circle that is drawn across a particle with the mouse, or sized by a slider.

    Parameters
    ----------
    parent
        Window to stand before.
    micrographs
        To choose from.
    diameter
        To start with, Å; None where nothing is known.
    centers
        Gives the known particles of a micrograph, `(n, 2)` as (y, x) px; all get the circle.
    """

    def __init__(
        self,
        parent: Any,
        micrographs: List[Micrograph],
        diameter: Optional[float] = None,
        centers: Optional[Centers] = None,
    ) -> None:
        self.diameter = diameter or FIRST_DIAMETER
        self._centers = centers
        self._drawn: List[Any] = []
        self._start: Optional[Point] = None
        super().__init__(parent, "Particle diameter", micrographs)

    def _addControls(self, frame: tk.Frame) -> None:
        pixel_size = self.micrograph.getSamplingRate()
        largest = LARGEST_PART * min(self.shape) * pixel_size
        self.diameter = min(self.diameter, largest)
        self.slider = LabelSlider(
            frame,
            "Diameter (Å)",
            from_=max(1, round(SMALLEST_PX * pixel_size)),
            to=round(largest),
            value=round(self.diameter),
            step=1,
            length=420,
            callback=lambda *_: self._slide(),
        )
        self.slider.grid(row=0, column=0, sticky="w")
        hint = "Drag across a particle, from side to side; the mouse wheel zooms."
        tk.Label(frame, text=hint).grid(row=1, column=0, sticky="w", padx=5)
        for name, action in (
            ("button_press_event", self._press),
            ("motion_notify_event", self._drag),
            ("button_release_event", self._release),
        ):
            self.canvas.mpl_connect(name, action)

    def _micrographChanged(self) -> None:
        self._particles = np.array([self.shape]) / 2
        if self._centers is not None:
            self._particles = self._centers(self.micrograph)
        self._lookAtMiddle(self.diameter)
        self._showCircles()

    def _drawContent(self) -> None:
        self._drawn = []

    def _diameterPx(self) -> float:
        return self.diameter / self.micrograph.getSamplingRate()

    def _showCircles(self) -> None:
        for circles in self._drawn:
            circles.remove()
        self._drawn = [draw_circles(self.axes[0], self._particles, self._diameterPx())]
        self.axes[0].set_title(f"{self.diameter:.0f} Å, {self._diameterPx():.0f} px")
        self.canvas.draw_idle()

    # --------------------------- mouse and slider ------------------------------
    def _slide(self) -> None:
        self.diameter = self.slider.get()
        self._showCircles()

    def _press(self, event: MouseEvent) -> None:
        is_free = not self.toolbar.mode and event.button == MouseButton.LEFT
        self._start = (event.ydata, event.xdata) if is_free and event.inaxes else None

    def _drag(self, event: MouseEvent) -> None:
        if self._start is None or not event.inaxes:
            return
        center, across = circle_between(self._start, (event.ydata, event.xdata))
        if across < SMALLEST_PX:
            return
        if self._centers is None:
            self._particles = center[None]
        self.slider.var.set(round(across * self.micrograph.getSamplingRate()))

    def _release(self, event: MouseEvent) -> None:
        self._start = None
