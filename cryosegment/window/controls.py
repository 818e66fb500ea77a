# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders with their values, and the groups of them beside the micrograph."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any, Callable, Sequence

from cryosegment.window.canvas import MicrographCanvas
from cryosegment.window.image import Look
from cryosegment.window.selection import PickSelection

LONGEST_RESOLUTION = 60.0  # Å of the low-pass filter
LARGEST_DISTANCE, LARGEST_SIZE = 2.0, 3.0  # diameters
NOTHING = "nothing"
KEYS = "n, p: next, previous    +, -, 0: zoom"
GAP = 4  # px


class NumberSlider:
    """A name, a slider and the value, which can be typed too, in a row of a grid.

    Parameters
    ----------
    parent
        Frame with the grid.
    row
        Of the grid.
    name
        What is chosen.
    bounds
        Smallest and largest value of the slider.
    value
        To begin with.
    on_change
        Called with a value that the user has chosen.
    form
        How `format` writes a value.
    """

    def __init__(
        self,
        parent: tk.Misc,
        row: int,
        name: str,
        bounds: Sequence[float],
        value: float,
        on_change: Callable[[float], None],
        form: str = ".2f",
    ) -> None:
        self._form, self._on_change = form, on_change
        self._low, self._high = bounds
        # fonts are less high than the ring of an Å
        label = ttk.Label(parent, text=name, padding=(0, GAP // 2, 0, 0))
        label.grid(row=row, column=0, sticky="w")
        self.scale = ttk.Scale(parent, from_=self._low, to=self._high, value=value)
        self.scale.grid(row=row, column=1, sticky="ew", padx=GAP, pady=GAP // 2)
        self.entry = ttk.Entry(parent, width=6, justify="right")
        self.entry.grid(row=row, column=2)
        parent.columnconfigure(1, weight=1)
        self.set(value)
        self.scale.configure(command=self._slid)
        self.entry.bind("<FocusOut>", self._typed)
        for key in ("<Return>", "<KP_Enter>"):  # the keys of the window work again
            self.entry.bind(key, lambda event: self.entry.winfo_toplevel().focus_set())
        self.entry.bind("<Control-a>", self._select)

    @property
    def value(self) -> float:
        """The value, as it is written."""
        return self._value

    def set(self, value: float) -> None:
        """Show a value."""
        self._value = float(format(value, self._form))
        self.scale.configure(value=value)
        self.entry.delete(0, "end")
        self.entry.insert(0, format(value, self._form))

    def _slid(self, text: str) -> None:
        if float(format(float(text), self._form)) != self._value:
            self.set(float(text))
            self._on_change(self._value)

    def _select(self, event: Any) -> str:
        self.entry.select_range(0, "end")
        return "break"

    def _typed(self, event: Any) -> None:
        try:
            value = min(max(float(self.entry.get()), self._low), self._high)
        except ValueError:
            value = self._value
        is_other = float(format(value, self._form)) != self._value
        self.set(value)
        if is_other:
            self._on_change(self._value)


class SelectionControls(ttk.LabelFrame):
    """Sliders for threshold, distance and sizes of a selection.

    Parameters
    ----------
    parent
        Widget to stand in.
    selection
        The picks.
    on_threshold
        Called with another threshold.
    on_limit
        Called with the name and value of another distance or size, as parameters of `repick`.
    """

    def __init__(
        self,
        parent: tk.Misc,
        selection: PickSelection,
        on_threshold: Callable[[float], None],
        on_limit: Callable[[str, str], None],
    ) -> None:
        super().__init__(parent, text="Selection", padding=GAP)
        shown, kept = selection.settings.selection, selection.before.selection
        diameter = selection.before.diameter
        self.threshold = NumberSlider(
            self, 1, "Threshold", (0, 1), selection.threshold or 0.0, on_threshold, ".3f"
        )
        farthest = max(LARGEST_DISTANCE, shown.min_distance)
        self.distance = NumberSlider(
            self,
            2,
            "Distance (Ø)",
            (kept.min_distance, farthest),
            shown.min_distance,
            lambda value: on_limit("min_distance", f"{value:g}"),
        )
        largest = round(max(LARGEST_SIZE, shown.largest) * diameter)
        sizes = 0, largest
        self.smallest = NumberSlider(
            self,
            3,
            "Size from (Å)",
            sizes,
            shown.smallest * diameter,
            lambda value: on_limit("min_diameter", f"{value:g}"),
            ".0f",
        )
        self.largest = NumberSlider(
            self,
            4,
            "Size to (Å)",
            sizes,
            shown.largest * diameter or largest,
            lambda value: on_limit("max_diameter", f"{value:g}" if value < largest else "0"),
            ".0f",
        )


class LookControls(ttk.LabelFrame):
    """Contrast, low-pass filter, and what lies over the micrograph.

    Parameters
    ----------
    parent
        Widget to stand in.
    canvas
        Shows the micrograph.
    on_change
        Called when something else is to lie over it.
    over
        Name of what lies over it at first.
    """

    def __init__(
        self,
        parent: tk.Misc,
        canvas: MicrographCanvas,
        on_change: Callable[[], None],
        over: str = "",
    ) -> None:
        super().__init__(parent, text="Micrograph", padding=GAP)
        self._canvas, self._on_change = canvas, on_change
        self.contrast = NumberSlider(self, 0, "Contrast", (-1, 1), 0, self._look)
        self.resolution = NumberSlider(
            self, 1, "Low-pass (Å)", (0, LONGEST_RESOLUTION), 0, self._look, ".0f"
        )
        ttk.Label(self, text="Over it (m)").grid(row=2, column=0, sticky="w")
        self.over = ttk.Combobox(self, values=[NOTHING], state="readonly")
        self.over.set(NOTHING)
        self.over.bind("<<ComboboxSelected>>", self._chosen)
        self.over.grid(row=2, column=1, columnspan=2, sticky="ew", padx=(GAP, 0), pady=GAP // 2)
        self._wanted = over
        self.opacity = NumberSlider(self, 3, "Opacity", (0, 1), canvas.opacity, self._make_opaque)
        self.are_marked = tk.BooleanVar(self, True)
        check = ttk.Checkbutton(self, text="Marks (c)", variable=self.are_marked)
        check.configure(command=on_change, takefocus=False)
        check.grid(row=4, column=0, columnspan=3, sticky="w")
        ttk.Label(self, text=KEYS).grid(row=5, column=0, columnspan=3, sticky="w", pady=(GAP, 0))

    def offer(self, names: Sequence[str]) -> str:
        """Let one choose among what can lie over a micrograph; the name of what is wanted."""
        self.over.configure(values=[NOTHING, *names])
        self.over.set(self._wanted if self._wanted in names else NOTHING)
        return self.over.get()

    def next_over(self) -> None:
        """Lay the next of what is offered over the micrograph."""
        names = list(self.over.cget("values"))
        self.over.set(names[(names.index(self.over.get()) + 1) % len(names)])
        self._chosen()

    def _chosen(self, event: Any = None) -> None:
        self._wanted = self.over.get()
        self.over.selection_clear()
        self.winfo_toplevel().focus_set()
        self._on_change()

    def _make_opaque(self, opacity: float) -> None:
        self._canvas.opacity = opacity
        self._canvas.draw()

    def toggle_marks(self) -> None:
        """Show the marks, or hide them."""
        self.are_marked.set(not self.are_marked.get())
        self._on_change()

    def _look(self, value: float) -> None:
        self._canvas.look = Look(self.contrast.value, self.resolution.value)
        self._canvas.draw()
