# SPDX-License-Identifier: GPL-3.0-or-later
"""Threshold, distance and sizes by what they select, in the picks window."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from typing import Any, Optional, Tuple

from pyworkflow.gui import dialog
from pyworkflow.wizard import Wizard

from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.exchange.params import KEPT, RepickParams
from cryosegment.exchange.records import record_from_dict
from cryosegment.protocols import CryoSegmentProtPick, CryoSegmentProtRepick
from cryosegment.protocols.form_fields import form_values
from cryosegment.protocols.picked import Picked
from cryosegment.protocols.picking_form import SELECTION
from cryosegment.viewers.windows import read_image, selection_of
from cryosegment.window.actions import WindowAction
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.selection import PickSelection

TITLE = "Selection of picks"
CHOSEN = "Use in the form"
WISHES = ("precision", "number")  # which a threshold replaces
LIMITS = {name: attribute for name, attribute, _ in SELECTION if name != "edge"}
"""Form fields of what is chosen besides the threshold, by parameter."""


def source_of(protocol: Any) -> Tuple[Optional[Picked], RepickParams]:
    """The run whose candidates are selected, None without one, and the parameters to begin with.

    Raises
    ------
    CryoSegmentError
        If the form holds what cannot be.
    """
    if isinstance(protocol, CryoSegmentProtPick):
        return protocol, RepickParams()
    given = {k: v for k, v in form_values(protocol, RepickParams).items() if v is not None}
    params = record_from_dict(RepickParams, given)
    return protocol.inputPicking.get(), replace(params, centers=KEPT, masks=False)


class CryoSegmentWizardSelection(Wizard):
    """The candidates of a picking run, from which picks are selected."""

    _targets = [
        (CryoSegmentProtRepick, ["threshold", *WISHES, *LIMITS.values()]),
        (CryoSegmentProtPick, ["threshold", *LIMITS.values()]),
    ]

    def show(self, form: Any, *params: Any) -> None:
        """Let one look at what is selected, until the selection is taken or the window closed."""
        try:
            run, chosen = source_of(form.protocol)
            if run is None or not run.getCounts():
                text = "The picks window needs candidates: choose, or run, a picking first."
                dialog.showWarning(TITLE, text, form.root)
                return
            selection = selection_of(run, chosen)
        except CryoSegmentError as error:
            dialog.showWarning(TITLE, str(error), form.root)
            return
        top = tk.Toplevel(form.root)

        def use(selection: PickSelection) -> str:
            self._fill(form, selection)
            top.after_idle(top.destroy)
            return ""

        actions = [WindowAction(CHOSEN, use)]
        PicksWindow(top, TITLE, selection, read_image, actions)
        top.wait_visibility()
        top.grab_set()
        form.root.wait_window(top)

    @staticmethod
    def _fill(form: Any, selection: PickSelection) -> None:
        """Set the threshold, and what else was chosen, in the form."""
        form.setVar("threshold", f"{selection.threshold:g}")
        for name in WISHES:
            if name in form.widgetDict:
                form.setVar(name, "")
        for name, attribute in LIMITS.items():
            given = getattr(selection.params, name)
            if given:
                form.setVar(attribute, given)
