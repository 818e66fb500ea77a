# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of micrographs, sorted by any of its columns."""

from __future__ import annotations

import os
import re
import tkinter as tk
from tkinter import font, ttk
from typing import Any, Callable, List, Optional, Tuple

from cryosegment.window.content import Content

RISING, FALLING = " ▲", " ▼"
PADDING = 10  # px of a cell
LONG, ELLIPSIS = 8, "…"  # characters that all names begin with, and what stands for them
MOST_CHARACTERS = 30  # of a column, until it is made wider


class MicrographList(ttk.Frame):
    """A row for each micrograph of a content; a click on a title sorts by it.

    Parameters
    ----------
    parent
        Widget to stand in.
    content
        The micrographs.
    on_select
        Called with the name of the micrograph that is chosen.
    """

    def __init__(self, parent: tk.Misc, content: Content, on_select: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._content, self._on_select = content, on_select
        self._names = list(content.names)
        # letters are compared, not folders
        shown = [content.cells(name)[0] for name in self._names]
        start = os.path.commonprefix(shown) if len(set(shown)) > 1 else ""  # noqa: RUF071
        words = re.match(r".*[^A-Za-z0-9]", start)  # whole ones
        self._shared = words.end() if words and words.end() >= LONG else 0
        self._rows = {name: str(number) for number, name in enumerate(self._names)}
        self._texts = {name: self._cells(name) for name in self._names}
        self._sorted_by: Optional[int] = None
        self._is_falling = False
        columns = [str(number) for number in range(len(content.columns))]
        self.tree = ttk.Treeview(self, columns=columns, show="headings", selectmode="browse")
        self._add_columns()
        bar = ttk.Scrollbar(self, command=self.tree.yview)
        self.tree.configure(yscrollcommand=bar.set)
        self.tree.grid(row=0, column=0, sticky="news")
        bar.grid(row=0, column=1, sticky="ns")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        for name in self._names:
            self.tree.insert("", "end", iid=self._rows[name], values=self._texts[name])
        self.tree.bind("<<TreeviewSelect>>", self._selected)

    def _add_columns(self) -> None:
        bold = font.nametofont("TkHeadingFont").measure
        for number, column in enumerate(self._content.columns):
            texts = [self._texts[name][number] for name in self._names]
            longest = "0" * min(max(map(len, ("", *texts))), MOST_CHARACTERS)
            is_text, least = not column.form, bold(column.title + RISING)
            self.tree.column(
                str(number),
                width=max(least, bold(longest)) + PADDING,
                minwidth=least + PADDING,
                anchor="w" if is_text else "e",
                stretch=is_text,
            )
            self._title(number, "")

    def _title(self, number: int, arrow: str) -> None:
        title = self._content.columns[number].title + arrow
        self.tree.heading(str(number), text=title, command=lambda: self.sort(number))

    def _cells(self, name: str) -> Tuple[str, ...]:
        values = self._content.cells(name)
        first, *texts = (c.text(value) for c, value in zip(self._content.columns, values))
        return ELLIPSIS * bool(self._shared) + first[self._shared :], *texts

    # --------------------------- what it shows ---------------------------------
    def refresh(self) -> None:
        """Write the cells whose values have changed."""
        for name in self._names:
            texts = self._cells(name)
            if texts != self._texts[name]:
                self._texts[name] = texts
                self.tree.item(self._rows[name], values=texts)

    def sort(self, number: int) -> None:
        """Sort by a column, or turn its order round; values that are unknown come last."""
        if self._sorted_by is not None:
            self._title(self._sorted_by, "")
        self._is_falling = number == self._sorted_by and not self._is_falling
        self._sorted_by = number
        self._title(number, FALLING if self._is_falling else RISING)
        values = {name: self._content.cells(name)[number] for name in self._names}
        known = [name for name in self._names if not _is_unknown(values[name])]
        unknown = [name for name in self._names if _is_unknown(values[name])]
        known.sort(key=lambda name: values[name], reverse=self._is_falling)
        for place, name in enumerate(known + unknown):
            self.tree.move(self._rows[name], "", place)
        if self.selected:
            self.tree.see(self._rows[self.selected])

    @property
    def order(self) -> List[str]:
        """Names in the order in which they are listed."""
        return [self._names[int(row)] for row in self.tree.get_children()]

    # --------------------------- selection -------------------------------------
    @property
    def selected(self) -> str:
        """Name of the micrograph that is chosen; empty where none is."""
        rows = self.tree.selection()
        return self._names[int(rows[0])] if rows else ""

    def select(self, name: str) -> None:
        """Choose a micrograph."""
        self.tree.selection_set(self._rows[name])
        self.tree.focus(self._rows[name])
        self.tree.see(self._rows[name])

    def step(self, number: int) -> None:
        """Choose the micrograph so many rows below, or the last, or the first."""
        order = self.order
        if order:
            place = order.index(self.selected) + number if self.selected else 0
            self.select(order[min(max(place, 0), len(order) - 1)])

    def _selected(self, event: Any) -> None:
        if self.selected:
            self._on_select(self.selected)


def _is_unknown(value: Any) -> bool:
    return value is None or value != value
