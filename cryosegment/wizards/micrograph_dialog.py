# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with a micrograph to look at and something to choose."""

from __future__ import annotations

import tkinter as tk
from itertools import islice
from tkinter import ttk
from typing import Any, List, Tuple

from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg, NavigationToolbar2Tk
from matplotlib.figure import Figure
from pwem.objects import Micrograph, SetOfMicrographs
from pyworkflow.gui import dialog

from cryosegment.convert import mic_name
from cryosegment.viewers.plots import draw_shrunk, read_shrunk

MOST_LISTED = 100  # micrographs: enough to find a typical one
PANEL_INCHES = 5.6, 4.7  # width, height: the window fits on the screen of a small laptop
DPI = 100
TOP = 40  # px between the screen's upper border and the window
TOOLS = ("Home", "Back", "Forward", "Pan", "Zoom", "Save")
VIEW_DIAMETERS = 16  # side of the first view
ZOOM = 1.25  # of a step of the mouse wheel


def listed_micrographs(micrographs: SetOfMicrographs) -> List[Micrograph]:
    """The first micrographs of a set."""
    return [mic.clone() for mic in islice(micrographs, MOST_LISTED)]


class _Toolbar(NavigationToolbar2Tk):
    """matplotlib's tools for a look."""

    toolitems = [item for item in NavigationToolbar2Tk.toolitems if item[0] in TOOLS]


class MicrographDialog(dialog.Dialog):
    """A micrograph of a list, in one panel or more with the same zoom, and controls below.

    Parameters
    ----------
    parent
        Window to stand before.
    title
        Of the window.
    micrographs
        To choose from; the first is shown.
    panels
        How often the micrograph is drawn.
    """

    def __init__(
        self, parent: Any, title: str, micrographs: List[Micrograph], panels: int = 1
    ) -> None:
        self.micrographs = micrographs
        self._panels = panels
        buttons = [("Select", dialog.RESULT_YES), ("Cancel", dialog.RESULT_CANCEL)]
        left = max(0, parent.winfo_screenwidth() - int(PANEL_INCHES[0] * panels * DPI)) // 2
        super().__init__(parent, title, buttons=buttons, default="Select", position=(left, TOP))

    # --------------------------- what a subclass gives ------------------------
    def _addControls(self, frame: tk.Frame) -> None:
        """Add what is to be chosen."""

    def _drawContent(self) -> None:
        """Draw over the micrograph in `self.axes`."""

    def _micrographChanged(self) -> None:
        """React to another micrograph, which is drawn already."""

    # --------------------------- window ---------------------------------------
    def body(self, master: tk.Frame) -> None:
        """Build the window; Scipion's dialog calls this."""
        master.columnconfigure(0, weight=1)
        master.rowconfigure(1, weight=1)
        self._addChooser(master)
        self._addFigure(master)
        controls = tk.Frame(master)
        controls.grid(row=3, column=0, sticky="ew", pady=5)
        self._readMicrograph()
        self._addControls(controls)
        self.redraw(keep_view=False)
        self._micrographChanged()

    def _addChooser(self, master: tk.Frame) -> None:
        names = [mic_name(mic) for mic in self.micrographs]
        frame = tk.Frame(master)
        frame.grid(row=0, column=0, sticky="ew")
        tk.Label(frame, text="Micrograph").grid(row=0, column=0, padx=5, pady=5)
        self.chooser = ttk.Combobox(frame, values=names, state="readonly")
        self.chooser.config(width=min(60, max(map(len, names)) + 2))
        self.chooser.current(0)
        self.chooser.grid(row=0, column=1)
        self.chooser.bind("<<ComboboxSelected>>", self._choose)

    def _addFigure(self, master: tk.Frame) -> None:
        width, height = PANEL_INCHES
        figure = Figure(figsize=(width * self._panels, height), dpi=DPI, layout="constrained")
        panels = figure.subplots(1, self._panels, sharex=True, sharey=True, squeeze=False)
        self.axes = list(panels[0])
        self.canvas = FigureCanvasTkAgg(figure, master=master)
        self.canvas.get_tk_widget().grid(row=1, column=0, sticky="news")
        self.toolbar = _Toolbar(self.canvas, master, pack_toolbar=False)
        self.toolbar.grid(row=2, column=0, sticky="w")
        self.canvas.mpl_connect("scroll_event", self._zoom)

    # --------------------------- micrograph -----------------------------------
    @property
    def micrograph(self) -> Micrograph:
        """The one that is shown."""
        return self.micrographs[self.chooser.current()]

    @property
    def shape(self) -> Tuple[int, int]:
        """Rows and columns of the micrograph that is shown, px."""
        width, height = self.micrograph.getDim()[:2]
        return height, width

    def _choose(self, event: Any) -> None:
        self._readMicrograph()
        self.redraw(keep_view=False)
        self._micrographChanged()

    def _readMicrograph(self) -> None:
        self._image, self._block = read_shrunk(self.micrograph.getFileName())

    def redraw(self, keep_view: bool = True) -> None:
        """Draw the micrograph and what lies over it; the view stays where it was zoomed to."""
        view = self.axes[0].get_xlim(), self.axes[0].get_ylim()
        for axes in self.axes:
            axes.clear()
            draw_shrunk(axes, self._image, self._block)
        whole = self.axes[0].get_xlim(), self.axes[0].get_ylim()
        self._drawContent()
        self._setView(*(view if keep_view else whole))
        if not keep_view:
            self.toolbar.update()
            self.toolbar.push_current()  # where its house goes to
        self.canvas.draw_idle()

    def _lookAtMiddle(self, diameter: float) -> None:
        """Zoom to the middle, where a micrograph of particles of `diameter` (Å) is large."""
        side = VIEW_DIAMETERS * diameter / self.micrograph.getSamplingRate()
        height, width = self.shape
        if side < min(height, width):
            self._setView(
                ((width - side) / 2, (width + side) / 2), ((height + side) / 2, (height - side) / 2)
            )

    def _setView(self, x: Tuple[float, float], y: Tuple[float, float]) -> None:
        self.axes[0].set_xlim(x)
        self.axes[0].set_ylim(y)

    def _zoom(self, event: MouseEvent) -> None:
        if event.inaxes is None:
            return
        factor = ZOOM**-event.step
        x, y = self.axes[0].get_xlim(), self.axes[0].get_ylim()
        self._setView(
            *(
                (at + (low - at) * factor, at + (high - at) * factor)
                for at, (low, high) in ((event.xdata, x), (event.ydata, y))
            )
        )
        self.canvas.draw_idle()
