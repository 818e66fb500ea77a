# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the core for a window, which stays alive meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Callable, Optional

from cryosegment.exchange.files import read_text
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.plugin import Plugin
from cryosegment.wizards.micrograph_dialog import MicrographDialog

INTERVAL = 200  # ms between two looks whether the core is done


class CoreTrials:
    """Jobs of the core with their files in a folder, which its owner removes.

    Parameters
    ----------
    folder
        Folder for the files.
    in_words
        Translates messages of the core to the words of the form.
    """

    def __init__(self, folder: str, in_words: Callable[[str], str]) -> None:
        self._folder, self._in_words = Path(folder), in_words

    def _start(self, job: Job) -> subprocess.Popen[bytes]:
        Path(job.output).mkdir(exist_ok=True)
        path = Path(job.output, JOB_NAME)
        job.write(path)
        return Plugin.startCore("run", str(path), log=str(self._log()))

    def lastWords(self, otherwise: str = "the core stopped without a message") -> str:
        """Last message of the core; `otherwise` where it has said nothing."""
        lines = read_text(self._log()).strip().splitlines()
        return self._in_words(lines[-1]) if lines else otherwise

    def _log(self) -> Path:
        return self._folder / "log.txt"


class CoreDialog(MicrographDialog):
    """A micrograph, and at most one process of the core, which ends with the window."""

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
        """Close the window, and stop what it has started."""
        self._stop()
        super().destroy()
