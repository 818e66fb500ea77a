# SPDX-License-Identifier: GPL-3.0-or-later
"""Histogram of scores; the line of the threshold is dragged."""

from __future__ import annotations

import tkinter as tk
from tkinter import font
from typing import Callable, Dict, Literal, Optional

import numpy as np

from cryosegment.window.colors import DROPPED, ScoreColors

BINS, HEIGHT = 60, 150  # px
LEFT, RIGHT, TOP = 8, 8, 6  # px around the bars
FRAME, LINE, INK = "white", "black", "#404040"
TICKS: Dict[float, Literal["nw", "n", "ne"]] = {0: "nw", 0.25: "n", 0.5: "n", 0.75: "n", 1: "ne"}
"""Scores that are written below, and which side of the text stands there."""


class Histogram(tk.Canvas):
    """Bars in the colours of the scores, grey below the threshold; heights are logarithms.

    Parameters
    ----------
    parent
        Widget to stand in.
    on_move
        Called with a threshold as its line is dragged, or the place that was clicked.
    """

    def __init__(self, parent: tk.Misc, on_move: Callable[[float], None]) -> None:
        super().__init__(parent, height=HEIGHT, background=FRAME, cursor="hand2")
        self._counts = np.zeros(BINS)
        self._colors = ScoreColors(np.empty(0))
        self._threshold: Optional[float] = None
        self._bottom = font.nametofont("TkDefaultFont").metrics("linespace") + 4
        self.bind("<Configure>", lambda event: self._draw())
        for name in ("<ButtonPress-1>", "<B1-Motion>"):
            self.bind(name, lambda event: on_move(self._score(event.x)))

    def show(self, scores: np.ndarray, colors: ScoreColors) -> None:
        """Draw the bars of scores, (n,), in [0, 1]."""
        self._counts, _ = np.histogram(scores, BINS, (0, 1))
        self._colors = colors
        self._draw()

    def mark(self, threshold: Optional[float]) -> None:
        """Draw the line of the threshold; none where it is not known."""
        self._threshold = threshold
        self._draw()

    def x_of(self, score: float) -> float:
        """Where a score is on the canvas, px from its left side."""
        return LEFT + score * (self.winfo_width() - LEFT - RIGHT)

    def _score(self, x: float) -> float:
        width = max(1, self.winfo_width() - LEFT - RIGHT)
        return min(max((x - LEFT) / width, 0.0), 1.0)

    def _draw(self) -> None:
        self.delete("all")
        base = self.winfo_height() - self._bottom
        heights = np.log1p(self._counts) / max(1.0, np.log1p(self._counts.max(initial=0)))
        middles = (np.arange(BINS) + 0.5) / BINS
        colors = self._colors.of(middles)
        threshold = self._threshold if self._threshold is not None else 0.0
        for i in np.flatnonzero(self._counts).tolist():
            left, right = self.x_of(i / BINS), self.x_of((i + 1) / BINS)
            color = colors[i] if middles[i] >= threshold else DROPPED
            top = base - max(1.0, heights[i] * (base - TOP))
            self.create_rectangle(left, top, right, base, fill=color, outline="")
        self.create_line(self.x_of(0), base, self.x_of(1), base, fill=INK)
        for tick, anchor in TICKS.items():
            self.create_text(self.x_of(tick), base + 2, text=f"{tick:g}", anchor=anchor, fill=INK)
        if self._threshold is not None:
            x = self.x_of(self._threshold)
            self.create_line(x, TOP, x, base, width=2, fill=LINE, tags="line")
            self.create_polygon(x - 5, TOP, x + 5, TOP, x, TOP + 8, fill=LINE, tags="line")
