# SPDX-License-Identifier: GPL-3.0-or-later
"""The micrograph with what lies over it; the mouse moves and zooms it."""

from __future__ import annotations

import tkinter as tk
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import numpy as np
from PIL import Image, ImageTk

from cryosegment.window.content import CIRCLE, DASHED, DOT, At, Marks, Tint
from cryosegment.window.image import Look, MicrographImage, visible
from cryosegment.window.view import SMALLEST_PART, View

BACKGROUND = "#202020"
ZOOM = 1.25  # of a step of the mouse wheel, or a key
STILL = 3  # px that the mouse may move within a click
WIDTH, SMALL_WIDTH, SMALL_CIRCLE = 2, 1, 10  # px of outlines; diameter of circles with thin ones
DOT_RADIUS, CROSS_RADIUS = 2, 5  # px
ROUND, DASH = (CIRCLE, DASHED), (5, 3)  # px of line and gap
MARGIN = 8  # px around the legend


class Hand(NamedTuple):
    """What the mouse does besides moving the micrograph: functions of a place (y, x) in px.

    Parameters
    ----------
    hover
        Called as the mouse moves.
    click
        Called on a click.
    """

    hover: Callable[[At], None]
    click: Callable[[At], None]


class MicrographCanvas(tk.Canvas):
    """A micrograph that is dragged with the mouse and zoomed with its wheel.

    Parameters
    ----------
    parent
        Widget to stand in.
    hand
        Hears of places that the mouse points to.
    """

    def __init__(self, parent: tk.Misc, hand: Hand) -> None:
        super().__init__(parent, background=BACKGROUND, highlightthickness=0, cursor="crosshair")
        self._hand = hand
        self._image: Optional[MicrographImage] = None
        self._view: Optional[View] = None
        self._is_whole = True
        self.look, self.opacity = Look(), 0.5
        self._marks: List[Marks] = []
        self._tint: Optional[Tint] = None
        self._message = ""
        self._waiting = ""
        self._start: Optional[Tuple[int, int, View]] = None
        self._is_click = False
        for name, action in (
            ("<Configure>", self._resized),
            ("<ButtonPress-1>", self._press),
            ("<B1-Motion>", self._drag),
            ("<ButtonRelease-1>", self._release),
            ("<Motion>", self._move),
            ("<Button-4>", lambda event: self.zoom(ZOOM, event.x, event.y)),
            ("<Button-5>", lambda event: self.zoom(1 / ZOOM, event.x, event.y)),
            ("<MouseWheel>", self._wheel),
            ("<Double-Button-3>", lambda event: self.fit()),
        ):
            self.bind(name, action)

    # --------------------------- what is shown --------------------------------
    def show(self, image: Optional[MicrographImage], message: str = "") -> None:
        """Show another micrograph, as large as the last; or a message in place of one."""
        if image is None or self._image is None or image.shape != self._image.shape:
            self._is_whole = True
        self._image, self._message = image, message
        self._marks, self._tint = [], None
        self.draw()

    def lay(self, marks: List[Marks], tint: Optional[Tint]) -> None:
        """Lay marks and a tint over the micrograph, in place of earlier ones."""
        self._marks, self._tint = marks, tint
        self.draw()

    def draw(self) -> None:
        """Draw soon, once, however often this is called until then."""
        if not self._waiting:
            self._waiting = self.after_idle(self._draw)

    @property
    def view(self) -> Optional[View]:
        """What is seen; None without a micrograph."""
        if self._image is not None and (self._view is None or self._is_whole):
            self._view = View.of_all(self._image.shape, self._size)
        return self._view if self._image is not None else None

    @property
    def _size(self) -> Tuple[int, int]:
        return max(1, self.winfo_width()), max(1, self.winfo_height())

    def destroy(self) -> None:
        """Close it, though it may be about to draw."""
        if self._waiting:
            self.after_cancel(self._waiting)
        super().destroy()

    # --------------------------- drawing ---------------------------------------
    def _draw(self) -> None:
        self._waiting = ""
        self.delete("all")
        view, (width, height) = self.view, self._size
        if view is None or self._image is None:
            self.create_text(
                width / 2, height / 2, text=self._message, fill="white", width=0.8 * width
            )
            return
        x, y, picture = self._image.shown(view, self._size, self.look)
        if self._tint is not None and self.opacity > 0:
            picture = self._tinted(picture, self._tint, self._image.shape, view)
        self._photo = ImageTk.PhotoImage(picture, master=self)  # Tk itself does not keep it
        self.create_image(x, y, image=self._photo, anchor="nw")
        for marks in self._marks:
            self._draw_marks(marks, view)
        self._draw_legend([marks for marks in self._marks if marks.name and len(marks.colors)])

    def _draw_legend(self, named: List[Marks]) -> None:
        """Say in the upper left corner what the marks are."""
        y = 2 * MARGIN
        for marks in named:
            text = f"{len(marks.colors):,} {marks.name}"
            line = self.create_text(
                2 * MARGIN, y, text=text, fill=marks.colors[0], anchor="nw", tags="legend"
            )
            y = self.bbox(line)[3]
        if named:
            left, top, right, bottom = self.bbox("legend")
            corners = left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN
            self.create_rectangle(*corners, fill=BACKGROUND, outline="", tags="behind")
            self.tag_lower("behind", "legend")

    def _tinted(
        self, picture: Image.Image, tint: Tint, shape: Tuple[int, int], view: View
    ) -> Image.Image:
        how = Image.Resampling.BILINEAR if tint.is_smooth else Image.Resampling.NEAREST
        colors = Image.fromarray(tint.colors, "RGBA")
        above = visible(colors, shape, view, self._size, how, True).picture
        mask = above.getchannel("A").point(lambda value: round(value * self.opacity))
        below = picture.convert("RGB")
        below.paste(above.convert("RGB"), (0, 0), mask)
        return below

    def _draw_marks(self, marks: Marks, view: View) -> None:
        places = view.on_screen(marks.centers_yx)
        radius = marks.diameter_px * view.scale / 2 if marks.kind in ROUND else CROSS_RADIUS
        is_seen = ((places >= -radius) & (places <= np.array(self._size) + radius)).all(axis=1)
        width = WIDTH if 2 * radius > SMALL_CIRCLE else SMALL_WIDTH
        dash = DASH if marks.kind == DASHED else ()
        for row in np.flatnonzero(is_seen).tolist():
            (x, y), color = places[row].tolist(), marks.colors[row]
            if marks.kind in ROUND:
                corners = x - radius, y - radius, x + radius, y + radius
                self.create_oval(*corners, outline=color, width=width, dash=dash, tags=marks.kind)
            elif marks.kind == DOT:
                corners = x - DOT_RADIUS, y - DOT_RADIUS, x + DOT_RADIUS, y + DOT_RADIUS
                self.create_oval(*corners, outline="", fill=color, tags=marks.kind)
            else:
                for slope in (-1, 1):
                    ends = x - radius, y - slope * radius, x + radius, y + slope * radius
                    self.create_line(*ends, fill=color, width=WIDTH, tags=marks.kind)

    # --------------------------- view ------------------------------------------
    def fit(self) -> None:
        """Show the whole micrograph."""
        self._is_whole = True
        self.draw()

    def zoom(self, factor: float, x: Optional[float] = None, y: Optional[float] = None) -> None:
        """Show it larger by a factor; the place at (x, y) of the canvas, or its middle, stays."""
        view = self.view
        if view is None or self._image is None:
            return
        width, height = self._size
        at = (width / 2 if x is None else x), (height / 2 if y is None else y)
        least = SMALLEST_PART * View.of_all(self._image.shape, self._size).scale
        self._view = view.zoomed(max(factor, least / view.scale), *at)
        self._is_whole = False
        self.draw()

    def _resized(self, event: Any) -> None:
        self.draw()

    def _wheel(self, event: Any) -> None:
        self.zoom(ZOOM if event.delta > 0 else 1 / ZOOM, event.x, event.y)

    # --------------------------- mouse -----------------------------------------
    def _press(self, event: Any) -> None:
        self.focus_set()
        view = self.view
        self._start = None if view is None else (event.x, event.y, view)
        self._is_click = view is not None

    def _drag(self, event: Any) -> None:
        if self._start is None:
            return
        x, y, view = self._start
        if self._is_click and max(abs(event.x - x), abs(event.y - y)) <= STILL:
            return
        self._is_click = self._is_whole = False
        self._view = view.moved(event.x - x, event.y - y)
        self.draw()

    def _release(self, event: Any) -> None:
        at = self._place(event)
        if self._is_click and at is not None:
            self._hand.click(at)
        self._start, self._is_click = None, False

    def _move(self, event: Any) -> None:
        at = self._place(event)
        if at is not None:
            self._hand.hover(at)

    def _place(self, event: Any) -> Optional[At]:
        """Place of the mouse in the micrograph; None outside it."""
        view = self.view
        if view is None or self._image is None:
            return None
        y, x = view.in_micrograph(event.x, event.y)
        height, width = self._image.shape
        return (y, x) if -0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5 else None
