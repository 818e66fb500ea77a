# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with a list of micrographs and one of them."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any, Callable, Dict, Optional, Union

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.window.canvas import ZOOM, Hand, MicrographCanvas
from cryosegment.window.content import At, Content
from cryosegment.window.controls import GAP, LookControls
from cryosegment.window.image import MicrographImage, Read
from cryosegment.window.micrograph_list import MicrographList

Top = Union[tk.Tk, tk.Toplevel]
PART_OF_SCREEN = 0.9  # of width and height: room for the bars of a desktop
LIST_PART, SIDE_PART = 0.36, 0.25  # of the width of the window, at most
SIDE = 340  # px of the side, where there is room
ENTRIES = ("TEntry", "Entry", "TCombobox")
"""Classes of widgets in which letters are typed."""
CANNOT_READ = (CryoSegmentError, OSError, ValueError)


class MicrographWindow:
    """A window with micrographs, one after the other.

    Parameters
    ----------
    top
        Empty window of Tk.
    content
        What is shown.
    read
        Reads image files.
    """

    def __init__(self, top: Top, content: Content, read: Read) -> None:
        self.top, self.content, self._read = top, content, read
        width = int(top.winfo_screenwidth() * PART_OF_SCREEN)
        height = int(top.winfo_screenheight() * PART_OF_SCREEN)
        top.geometry(f"{width}x{height}")
        self.status, self.pointed = tk.StringVar(top), tk.StringVar(top)
        bar = ttk.Frame(top, padding=(GAP, 0))
        room = (0, GAP // 2, 0, 0)  # for the ring of an Å
        ttk.Label(bar, textvariable=self.status, padding=room).pack(side="left")
        ttk.Label(bar, textvariable=self.pointed, padding=room).pack(side="right")
        bar.pack(fill="x", side="bottom")
        panes = ttk.PanedWindow(top, orient="horizontal")
        panes.pack(fill="both", expand=True)
        self.list = MicrographList(panes, content, self._show)
        self.canvas = MicrographCanvas(panes, Hand(self._hover, self.click))
        side = ttk.Frame(panes, padding=GAP)
        for part, weight in ((self.list, 0), (self.canvas, 1), (side, 0)):
            panes.add(part, weight=weight)
        self.look = LookControls(side, self.canvas, self.lay, content.over)
        self.fill_side(side)
        top.bind("<Key>", self._key)
        top.protocol("WM_DELETE_WINDOW", self.close)
        top.update_idletasks()
        panes.sashpos(0, min(self.list.winfo_reqwidth(), int(LIST_PART * width)))
        panes.sashpos(1, width - min(max(side.winfo_reqwidth(), SIDE), int(SIDE_PART * width)))
        self.list.step(0)

    # --------------------------- what a subclass adds -------------------------
    def fill_side(self, side: ttk.Frame) -> None:
        """Fill the right side with controls, from above."""
        self.look.pack(in_=side, fill="x")

    def keys(self) -> Dict[str, Callable[[], None]]:
        """What keys do, by Tk's names of them."""
        list_, canvas = self.list, self.canvas
        next_, previous = (lambda: list_.step(1)), (lambda: list_.step(-1))
        return {
            **dict.fromkeys(("n", "Right", "Next", "space"), next_),
            **dict.fromkeys(("p", "Left", "Prior", "BackSpace"), previous),
            **dict.fromkeys(("plus", "equal", "KP_Add"), lambda: canvas.zoom(ZOOM)),
            **dict.fromkeys(("minus", "KP_Subtract"), lambda: canvas.zoom(1 / ZOOM)),
            **dict.fromkeys(("0", "f"), canvas.fit),
            "Control-w": self.close,
            "c": self.look.toggle_marks,
            "m": self.look.next_over,
        }

    def click(self, at: At) -> None:
        """React to a click on a place (y, x) of the micrograph, px."""

    def close(self) -> None:
        """Close the window."""
        self.top.destroy()

    # --------------------------- micrograph -----------------------------------
    @property
    def name(self) -> str:
        """Name of the micrograph that is shown; empty where there is none."""
        return self.list.selected

    def _show(self, name: str) -> None:
        self.top.title(f"{self.content.title}: {name}")
        path = self.content.files.get(name)
        if path is None:
            self.canvas.show(None, f"The image of {name} is not known.")
            return
        try:
            image = MicrographImage(self._read(path), self.content.pixel_sizes[name])
        except CANNOT_READ as error:
            self.canvas.show(None, f"{path}\ncannot be shown: {error}")
            return
        self.canvas.show(image)
        self.lay()

    def lay(self) -> None:
        """Lay over the micrograph what is wanted there."""
        if not self.name:
            return
        try:
            marks = self.content.marks(self.name) if self.look.are_marked.get() else []
            tints = self.content.tints(self.name)
            tint = tints.get(self.look.offer(list(tints)))
            self.canvas.lay(marks, tint() if tint else None)
            self.pointed.set(self.content.about(self.name))
        except CANNOT_READ as error:
            self.status.set(str(error))

    def _hover(self, at: At) -> None:
        y, x = at
        try:
            found = self.content.point(self.name, at) or self.content.about(self.name)
        except CANNOT_READ:  # which is said already
            found = ""
        self.pointed.set(f"{found}    x {x:.0f}  y {y:.0f}".strip())

    # --------------------------- keys ------------------------------------------
    def _key(self, event: Any) -> Optional[str]:
        widget = event.widget
        is_typed = isinstance(widget, tk.Misc) and widget.winfo_class() in ENTRIES
        name = f"Control-{event.keysym}" if event.state & 4 else event.keysym
        action = None if is_typed else self.keys().get(name)
        if action is None:
            return None
        action()
        return "break"
