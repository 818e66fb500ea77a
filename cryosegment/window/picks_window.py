# SPDX-License-Identifier: GPL-3.0-or-later
"""The picks window: picks selected by threshold, distance and size, and by hand."""

from __future__ import annotations

from tkinter import messagebox, ttk
from typing import Callable, Dict, Sequence

from cryosegment.exchange.errors import CryoSegmentError, InputError
from cryosegment.window.actions import Actions, WindowAction
from cryosegment.window.content import At
from cryosegment.window.controls import GAP, SelectionControls
from cryosegment.window.histogram import Histogram
from cryosegment.window.image import Read
from cryosegment.window.picks import PickDisplay
from cryosegment.window.selection import DECIMALS, PickSelection
from cryosegment.window.window import MicrographWindow, Top

BUSY, PAUSE = 0.03, 5  # s of reading until the window looks for events, and ms for these
SETTLED = 60  # ms without another threshold until the list is written anew
STEP = 0.01  # of the threshold, by key


class PicksWindow(MicrographWindow):
    """A picking run, whose picks are selected anew as one looks.

    Parameters
    ----------
    top
        Empty window of Tk.
    title
        Of the window.
    selection
        The picks.
    read
        Reads image files.
    actions
        What can be done with the picks.
    """

    def __init__(
        self,
        top: Top,
        title: str,
        selection: PickSelection,
        read: Read,
        actions: Sequence[WindowAction] = (),
    ) -> None:
        self.selection, self._actions = selection, actions
        self._display = PickDisplay(selection, read)
        self._counting = self._settling = ""
        super().__init__(top, self._display.content(title), read)
        top.bind("<Destroy>", self._closed, add="+")
        self._count()

    def fill_side(self, side: ttk.Frame) -> None:
        """Histogram and sliders above the look, and what can be done below."""
        self.controls = SelectionControls(side, self.selection, self.move, self.limit)
        self.histogram = Histogram(self.controls, self.move)
        self.histogram.grid(row=0, column=0, columnspan=3, sticky="ew", pady=GAP)
        self.controls.pack(fill="x")
        super().fill_side(side)
        self.actions = Actions(side, self.selection, self._actions, self.status, self.undo)
        self.actions.pack(fill="x", pady=GAP)

    def keys(self) -> Dict[str, Callable[[], None]]:
        """Those of every window, and for the threshold."""
        return {
            **super().keys(),
            "bracketleft": lambda: self._step(-STEP),
            "bracketright": lambda: self._step(STEP),
            "e": self.actions.toggle,
            "Control-z": self.undo,
        }

    # --------------------------- selection -------------------------------------
    def move(self, threshold: float) -> None:
        """Select by another threshold."""
        self.selection.move(round(min(max(threshold, 0.0), 1.0), DECIMALS))
        self._mark()
        self.lay()
        if self._settling:
            self.top.after_cancel(self._settling)
        self._settling = self.top.after(SETTLED, self.recount)

    def _step(self, by: float) -> None:
        if self.selection.threshold is not None:
            self.move(self.selection.threshold + by)

    def _mark(self) -> None:
        """Show the threshold of now on the slider and in the histogram."""
        threshold = self.selection.threshold
        self.histogram.mark(threshold)
        if threshold is not None:
            self.controls.threshold.set(threshold)

    def limit(self, name: str, value: str) -> None:
        """Select by another distance or size, where that can be."""
        try:
            self.selection.limit(name, value)
        except CryoSegmentError as error:
            self.status.set(str(error))
            return
        self._count()

    def recount(self) -> None:
        """Write the counts of all micrographs."""
        self._settling = ""
        self.list.refresh()
        self._say_total()

    def _say_total(self) -> None:
        total = self.selection.total()
        where = f"{len(self.selection.files):,} micrographs"
        self.status.set(f"{where}" if total is None else f"{total:,} picks on {where}")

    # --------------------------- counting --------------------------------------
    def _count(self) -> None:
        """Count the candidates of all micrographs, a few at a time."""
        self.lay()
        if not self._counting:
            self._go_on()

    def _go_on(self) -> None:
        self._counting = ""
        try:
            part = self.selection.proceed(BUSY)
        except InputError as error:
            self.status.set(str(error))
            return
        if self.selection.is_counted:
            self._counted()
        else:
            self.status.set(f"Reading the candidates: {part:.0%}")
            self._counting = self.top.after(PAUSE, self._go_on)

    def _counted(self) -> None:
        self._display.learn_colors()
        self.histogram.show(self.selection.scores(), self._display.colors)
        self._mark()
        self.lay()
        self.recount()

    def _closed(self, event: object) -> None:
        for waiting in (self._counting, self._settling):
            if waiting:
                self.top.after_cancel(waiting)
        self._counting = self._settling = ""

    # --------------------------- by hand ---------------------------------------
    def click(self, at: At) -> None:
        """Remove the pick at a place, or add one there, where that is wanted."""
        if not self.actions.are_edited.get():
            return
        edit = self.selection.click(self.name, at)
        self.status.set(f"{'Added' if edit.is_added else 'Removed'} a pick: Ctrl-Z takes it back")
        self._edited()

    def undo(self) -> None:
        """Take back the last edit, and show where it was."""
        edit = self.selection.edits.undo()
        if edit is None:
            self.status.set("Nothing was added or removed")
            return
        self.list.select(edit.name)
        self._edited()
        self._say_total()

    def _edited(self) -> None:
        self.lay()
        self.list.refresh()

    def close(self) -> None:
        """Close the window, unless edits would be lost that one wants to keep."""
        if not self.actions.has_news or messagebox.askokcancel(
            self.content.title,
            "Picks that were added or removed are not registered or exported. Close the window?",
            parent=self.top,
        ):
            self.top.destroy()
