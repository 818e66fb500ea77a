# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the picks of a window: buttons below its controls."""

from __future__ import annotations

import tkinter as tk
from functools import partial
from tkinter import filedialog, ttk
from typing import Callable, Dict, NamedTuple, Sequence

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.window.controls import GAP
from cryosegment.window.exporting import FORMATS, export_picks
from cryosegment.window.selection import PickSelection

AT_ONCE = 0.2  # s of reading until the part that is done is said


class WindowAction(NamedTuple):
    """What a button does with a selection.

    Parameters
    ----------
    label
        Of the button.
    run
        Called with the selection; what it gives is said in the window. Raises a
        `CryoSegmentError` where it cannot.
    """

    label: str
    run: Callable[[PickSelection], str]


class Actions(ttk.Frame):
    """Adding and removing by hand, and buttons for what becomes of the picks.

    Parameters
    ----------
    parent
        Widget to stand in.
    selection
        The picks.
    actions
        A button each.
    status
        Says what has come of it.
    undo
        Takes back the last edit.
    """

    def __init__(
        self,
        parent: tk.Misc,
        selection: PickSelection,
        actions: Sequence[WindowAction],
        status: tk.StringVar,
        undo: Callable[[], None],
    ) -> None:
        super().__init__(parent)
        self._selection, self._status = selection, status
        self.are_edited = tk.BooleanVar(self, False)
        self._kept = 0
        text = "A click adds or removes a pick (e)"
        # none takes the focus, so that a key of the window does not press it again
        check = ttk.Checkbutton(self, text=text, variable=self.are_edited, takefocus=False)
        check.pack(anchor="w")
        commands: Dict[str, Callable[[], None]] = {"Undo (Ctrl-Z)": undo}
        commands.update({action.label: partial(self.act, action.run) for action in actions})
        for label, command in commands.items():
            button = ttk.Button(self, text=label, command=command, takefocus=False)
            button.pack(fill="x", pady=(0, GAP))
        export = ttk.Menubutton(self, text="Export", takefocus=False)
        self.menu = tk.Menu(export, tearoff=False)
        for form, label in FORMATS.items():
            self.menu.add_command(label=f"{label} ...", command=partial(self._export, form))
        self.menu.add_separator()
        self.menu.add_command(label="Copy the command line", command=self._copy)
        export.configure(menu=self.menu)
        export.pack(fill="x")

    @property
    def has_news(self) -> bool:
        """Whether there are edits of which nothing was made."""
        return len(self._selection.edits) > self._kept

    def act(self, run: Callable[[PickSelection], str]) -> None:
        """Do something with the picks, and say what has come of it."""
        try:
            while not self._selection.is_counted:
                part = self._selection.proceed(AT_ONCE)
                self._status.set(f"Reading the candidates: {part:.0%}")
                self.update_idletasks()
            self._status.set(run(self._selection))
            self._kept = len(self._selection.edits)
        except CryoSegmentError as error:
            self._status.set(str(error))

    def toggle(self) -> None:
        """Let clicks edit, or no more."""
        self.are_edited.set(not self.are_edited.get())

    def _export(self, form: str) -> None:
        folder = filedialog.askdirectory(parent=self, title="Folder for the picks")
        if folder:
            self.act(lambda selection: self.export(folder, form))

    def export(self, folder: str, form: str) -> str:
        """Write the picks to a folder; what is said of it."""
        return f"{export_picks(self._selection, folder, form):,} picks written to {folder}"

    def _copy(self) -> None:
        self.clipboard_clear()
        self.clipboard_append(self._selection.command)
        self._status.set(f"Copied: {self._selection.command}")
