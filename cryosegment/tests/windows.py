# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms with wizards, on a display that nobody sees, for the protocol tests."""

from __future__ import annotations

import unittest
from typing import Any, Callable, Iterator, List

from cryosegment.tests.display import has_display, start_display
from cryosegment.tests.machine import NO_DISPLAY
from cryosegment.tests.scripted import ProtocolTest
from cryosegment.wizards.micrograph_dialog import TOP

# isort: split
from pyworkflow.gui.gui import Window
from pyworkflow.gui.project.viewprotocols import FormWindow  # the form cannot be imported first

TITLE_BAR = 25  # px that a window manager adds
INTERVAL = 50  # ms between two looks at an open window
MOST_LOOKS = 4000
Script = Callable[[Any], Iterator[None]]


@unittest.skipUnless(has_display(), NO_DISPLAY)
class WindowTest(ProtocolTest):
    """Forms of protocols, and scripts that use the windows of their wizards."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        start_display()
        cls.window = Window("tests")
        cls.addClassCleanup(cls.window.root.destroy)

    def openForm(self, protocol: Any) -> FormWindow:
        """The form of a protocol, not yet shown."""
        return FormWindow("form", protocol, None, self.window, updateProtocolCallback=None)

    def height(self, form: FormWindow) -> int:
        """Height that Scipion gives to a form and its title bar, px."""
        form.root.update_idletasks()
        form._checkAllChanges()
        form.adjustSections()
        form.root.update_idletasks()
        return form.resize(form.root)[1] + TITLE_BAR

    def fits(self, window: Any) -> bool:
        """Whether a wizard's window and its title bar are on a small screen."""
        return bool(TOP + window.winfo_reqheight() + TITLE_BAR <= window.winfo_screenheight())

    def use(self, form: FormWindow, name: str, script: Script) -> None:
        """Show the wizard of a form's field, and let `script` use the window that it opens.

        The script is a generator: it waits by yielding, and has to close the window.
        """
        root, errors, looks = self.window.root, [], iter(range(MOST_LOOKS))
        running: List[Iterator[None]] = []

        def opened() -> Any:
            return next(w for w in form.root.winfo_children() if w.winfo_class() == "Toplevel")

        def look() -> None:
            next(looks)
            if not running and not opened().winfo_viewable():
                root.after(INTERVAL, look)
                return
            running[:] = running or [script(opened())]
            if next(running[0], StopIteration) is not StopIteration:
                root.after(INTERVAL, look)

        def fail(kind: Any, error: BaseException, trace: Any) -> None:
            errors.append(error)
            opened().destroy()

        root.nametowidget(".").report_callback_exception = fail
        root.after(INTERVAL, look)
        form.wizards[name]().show(form)
        if errors:
            raise errors[0]
        assert running, "the wizard has opened no window"
