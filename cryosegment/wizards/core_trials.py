# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the core for a window, which stays alive meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable

from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.plugin import Plugin
from cryosegment.protocols.messages import last_line
from cryosegment.viewers.waiting import SILENT, WaitsForCore
from cryosegment.wizards.micrograph_dialog import MicrographDialog


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

    def lastWords(self, otherwise: str = SILENT) -> str:
        """Last message of the core; `otherwise` where it has said nothing."""
        return self._in_words(last_line(self._log(), otherwise))

    def _log(self) -> Path:
        return self._folder / "log.txt"


class CoreDialog(WaitsForCore, MicrographDialog):
    """A micrograph, and at most one process of the core, which ends with the window."""
