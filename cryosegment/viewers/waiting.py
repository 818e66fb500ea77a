# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that stay alive while the core works for them."""

from __future__ import annotations

import subprocess
import tkinter as tk
from tkinter import ttk
from typing import Any, Callable, Optional, Sequence

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import SOME_FAILED
from cryosegment.plugin import Plugin
from cryosegment.protocols.messages import last_line
from cryosegment.window.window import Top

INTERVAL = 200  # ms between two looks whether the core is done
WIDTH, PADDING = 480, 8  # px, of the window that waits for a page
STARTING, SILENT = "starting", "the core stopped without a message"
MAKING = "Making the page: {}"


class WaitsForCore(tk.Misc):
    """A widget with at most one process of the core, which ends with it."""

    _process: Optional[subprocess.Popen[bytes]] = None
    _waiting: Any = None

    def _waitFor(
        self,
        process: subprocess.Popen[bytes],
        done: Callable[[], None],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Call `done` once a process has ended, and `meanwhile` now and then until it has."""
        self._process = process
        self._look(done, meanwhile)

    def _look(self, done: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        if self._process.poll() is None:
            meanwhile()
            self._waiting = self.after(INTERVAL, self._look, done, meanwhile)
            return
        self._process = None
        done()

    def _stop(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self.after_cancel(self._waiting)
            self._process.kill()
            self._process.wait()
            self._process = None

    def destroy(self) -> None:
        """Close, and stop what was started."""
        self._stop()
        super().destroy()


class PageProgress(WaitsForCore, ttk.Frame):
    """How far the core is with a page; its window closes when the page is there.

    Parameters
    ----------
    top
        Empty window of Tk.
    words
        The command that makes the page.
    log
        File for what the command says.
    show
        Shows the page.
    """

    def __init__(self, top: Top, words: Sequence[str], log: str, show: Callable[[], Any]) -> None:
        super().__init__(top, padding=PADDING)
        top.title("A page for the browser")
        self._top, self._log, self._show = top, log, show
        self.status = ttk.Label(self, text=MAKING.format(STARTING), wraplength=WIDTH)
        self._bar = ttk.Progressbar(self, mode="indeterminate", length=WIDTH)
        for part in (self.status, self._bar):
            part.pack(fill="x", pady=PADDING)
        self.pack(fill="both", expand=True)
        self._bar.start()
        try:
            process = Plugin.startCore(*words, log=log)
        except InputError as error:
            self._fail(str(error))
            return
        self._waitFor(process, lambda: self._finished(process.returncode), self._progress)

    def _progress(self) -> None:
        self.status.config(text=MAKING.format(last_line(self._log, STARTING)))

    def _finished(self, status: int) -> None:
        if status in (0, SOME_FAILED):
            self._top.destroy()
            self._show()
            return
        self._fail(last_line(self._log, SILENT))

    def _fail(self, message: str) -> None:
        self._bar.pack_forget()
        self.status.config(text=message)
