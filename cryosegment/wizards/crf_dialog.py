# SPDX-License-Identifier: GPL-3.0-or-later
"""The window that shows the effect of a CRF."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any, List

from pwem.objects import Micrograph
from pyworkflow.gui.widgets import LabelSlider

from cryosegment.convert import mic_name
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.wording import counted
from cryosegment.protocols.form_fields import field_choices
from cryosegment.viewers.plots import draw_changes, draw_outline
from cryosegment.wizards.core_trials import CoreDialog
from cryosegment.wizards.crf_preview import CrfChoice, CrfPreviews, Preview

STRONGEST = 5.0
WITHOUT = CrfChoice()
HINT = "Yellow: outline of the particles. Green turns to particle, red to background."


class CrfDialog(CoreDialog):
    """A micrograph without CRF and with the one that is chosen, as the core computes them.

    Parameters
    ----------
    parent
        Window to stand before.
    micrographs
        To choose from.
    previews
        Computes them.
    choice
        To start with.
    """

    def __init__(
        self, parent: Any, micrographs: List[Micrograph], previews: CrfPreviews, choice: CrfChoice
    ) -> None:
        self.choice = choice
        self._previews = previews
        super().__init__(parent, "CRF refinement", micrographs, panels=2)

    # --------------------------- controls -------------------------------------
    def _addControls(self, frame: tk.Frame) -> None:
        self.crf = self._addCombo(frame, 0, "Refine with", "crf", self.choice.crf)
        self.solver = self._addCombo(frame, 2, "Solver", "crf_solver", self.choice.solver)
        self.strength = LabelSlider(
            frame,
            "Strength",
            from_=0,
            to=max(STRONGEST, self.choice.strength),
            value=self.choice.strength,
            step=0.1,
            length=200,
        )
        self.strength.grid(row=0, column=4)
        self.button = tk.Button(frame, text="Preview", command=self.preview)
        self.button.grid(row=0, column=5, padx=10)
        self.status = tk.Label(frame, text=HINT, anchor="w")
        self.status.grid(row=1, column=0, columnspan=6, sticky="ew", padx=5)

    @staticmethod
    def _addCombo(frame: tk.Frame, column: int, label: str, name: str, value: str) -> ttk.Combobox:
        tk.Label(frame, text=label).grid(row=0, column=column, padx=5)
        combo = ttk.Combobox(frame, values=field_choices(PickParams, name), state="readonly")
        combo.config(width=18)
        combo.set(value)
        combo.grid(row=0, column=column + 1)
        return combo

    def apply(self) -> None:
        """Take the values of the controls; Scipion's dialog calls this on Select."""
        self.choice = CrfChoice(self.crf.get(), self.solver.get(), self.strength.get())

    # --------------------------- the core --------------------------------------
    def _micrographChanged(self) -> None:
        self._lookAtMiddle(self._previews.diameter)
        self.preview()

    def preview(self) -> None:
        """Show the comparison; what it lacks is computed first, one after the other."""
        self._stop()
        self.apply()
        self.redraw()
        missing = [choice for choice in (WITHOUT, self.choice) if not self._isDone(choice)]
        if not missing:
            self.status.config(text=HINT)
            return
        try:
            process = self._previews.start(self.micrograph, missing[0])
        except CryoSegmentError as error:
            self.status.config(text=str(error))
            return
        self.status.config(text=f"Computing {mic_name(self.micrograph)} ...")
        self._waitFor(process, lambda: self._finished(missing[0]))

    def _finished(self, choice: CrfChoice) -> None:
        if self._isDone(choice):
            self.preview()
        else:
            self.status.config(text=self._previews.lastWords())

    def _isDone(self, choice: CrfChoice) -> bool:
        return self._previews.isDone(self.micrograph, choice)

    # --------------------------- drawing ---------------------------------------
    def _drawContent(self) -> None:
        for axes, choice in zip(self.axes, (WITHOUT, self.choice)):
            axes.set_title(choice.label())
        if not self._isDone(WITHOUT):
            return
        without = self._drawResult(self.axes[0], WITHOUT)
        if not self._isDone(self.choice):
            return
        chosen = self._drawResult(self.axes[1], self.choice)
        draw_changes(self.axes[1], without.probability, chosen.probability, self.shape)

    def _drawResult(self, axes: Any, choice: CrfChoice) -> Preview:
        result = self._previews.read(self.micrograph, choice)
        draw_outline(axes, result.probability, self.shape)
        covered = float((result.probability >= 0.5).mean())
        count = counted(len(result.picks), "pick")
        axes.set_title(f"{choice.label()}: {count}, {covered:.1%} of the area")
        return result
