# SPDX-License-Identifier: GPL-3.0-or-later
"""The window in which a particle diameter is measured."""

from __future__ import annotations

import tkinter as tk
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
from matplotlib.backend_bases import MouseButton, MouseEvent
from pwem.objects import Micrograph
from pyworkflow.gui.widgets import LabelSlider

from cryosegment.convert import mic_name
from cryosegment.exchange.diameter_estimate import DiameterEstimate
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.viewers.plots import draw_circles
from cryosegment.wizards.core_trials import CoreDialog
from cryosegment.wizards.diameter_trial import DiameterTrial

FIRST_DIAMETER = 150.0  # Å, where nothing is known
SMALLEST_PX, LARGEST_PART = 5, 0.5  # of what can be chosen: px, part of the micrograph's side
HINT = "Drag across a particle, from side to side; the mouse wheel zooms."
ESTIMATE, STOP = "Estimate", "Stop"  # what the button does
Centers = Callable[[Micrograph], np.ndarray]


Point = Tuple[float, float]


def circle_between(start: Point, end: Point) -> Tuple[np.ndarray, float]:
    """Centre and diameter of the circle that has two points as opposite sides."""
    first, second = np.array(start, float), np.array(end, float)
    return (first + second) / 2, float(np.linalg.norm(second - first))


class DiameterDialog(CoreDialog):
    """A circle that is drawn across a particle, sized by a slider, or estimated by the core.

    Parameters
    ----------
    parent
        Window to stand before.
    micrographs
        To choose from.
    trial
        Makes the estimate.
    diameter
        To start with, Å; None where nothing is known.
    centers
        Gives the known particles of a micrograph, `(n, 2)` as (y, x) px; all get the circle.
    """

    def __init__(
        self,
        parent: Any,
        micrographs: List[Micrograph],
        trial: DiameterTrial,
        diameter: Optional[float] = None,
        centers: Optional[Centers] = None,
    ) -> None:
        self.diameter = diameter or FIRST_DIAMETER
        self._trial, self._centers = trial, centers
        self._estimate: Optional[DiameterEstimate] = None
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
        self.button = tk.Button(frame, text=ESTIMATE, width=len(ESTIMATE), command=self.estimate)
        self.button.grid(row=0, column=1, padx=10)
        self.status = tk.Label(frame, text=HINT, anchor="w")
        self.status.grid(row=1, column=0, columnspan=2, sticky="ew", padx=5)
        for name, action in (
            ("button_press_event", self._press),
            ("motion_notify_event", self._drag),
            ("button_release_event", self._release),
        ):
            self.canvas.mpl_connect(name, action)

    def _micrographChanged(self) -> None:
        self._known = self._knownParticles()
        self._particles = np.array([self.shape]) / 2 if self._known is None else self._known
        self._lookAtMiddle(self.diameter)
        self._showCircles()

    def _knownParticles(self) -> Optional[np.ndarray]:
        """Particles of the micrograph that are given, or were picked for the estimate."""
        if self._centers is not None:
            return self._centers(self.micrograph)
        if self._estimate is not None and mic_name(self.micrograph) in self._trial.names():
            return self._trial.picks(self.micrograph).centers_yx
        return None

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

    # --------------------------- the core --------------------------------------
    def estimate(self) -> None:
        """Start the estimate, or stop it where it runs."""
        if self._process is not None:
            self._stop()
            self._say(HINT)
            return
        try:
            process = self._trial.start(self.micrographs)
        except CryoSegmentError as error:
            self._say(str(error))
            return
        self.button.config(text=STOP)
        self._waitFor(process, self._estimated, self._progress)

    def _progress(self) -> None:
        self.status.config(text=f"Estimating the diameter: {self._trial.lastWords('starting')}")

    def _estimated(self) -> None:
        try:
            self._estimate = self._trial.estimate()
        except CryoSegmentError:
            self._say(self._trial.lastWords())
            return
        self._say(f"Estimated: {self._estimate}. Check it by the circles; Select takes it.")
        self.slider.var.set(round(self._estimate.diameter))
        if self._centers is None:
            self.chooser.set(min(self._trial.names()))
            self._choose(None)

    def _say(self, text: str) -> None:
        self.button.config(text=ESTIMATE)
        self.status.config(text=text)

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
        if self._known is None:
            self._particles = center[None]
        self.slider.var.set(round(across * self.micrograph.getSamplingRate()))

    def _release(self, event: MouseEvent) -> None:
        self._start = None
