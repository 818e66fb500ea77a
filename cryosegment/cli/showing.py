# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment show`."""

from __future__ import annotations

import tkinter as tk
from pathlib import Path
from tkinter import ttk

import numpy as np

from cryosegment.cli.outcome import Outcome
from cryosegment.core.images.reading import read_file
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import EVALUATION_NAME, read_evaluation
from cryosegment.exchange.files import unique_names
from cryosegment.exchange.job import JOB_NAME, Job, read_job
from cryosegment.exchange.labels import LABELS_NAME
from cryosegment.exchange.micrographs import find_micrographs
from cryosegment.exchange.params import ScreenApplyParams, ShowParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.screen_folder import COUNTS_NAME, ScreenFolder
from cryosegment.window.evaluation import EvaluationDisplay
from cryosegment.window.labels import LabelsDisplay
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.screened import ScreenedDisplay
from cryosegment.window.selection import PickSelection
from cryosegment.window.window import MicrographWindow

THEME = "clam"  # of those that every Tk has, the one that looks best


def run_show(job: Job, params: ShowParams, progress: Progress) -> Outcome:
    """Show a folder in a window until it is closed."""
    if len(job.inputs) != 1:
        raise InputError(f"expected one folder, got {len(job.inputs)}: give one")
    folder, found = Path(job.inputs[0]), find_micrographs(params.micrographs)
    files = dict(zip(unique_names(found), found, strict=True)) or None
    try:
        top = tk.Tk()
    except tk.TclError as error:
        raise InputError(
            f"expected a display for a window ({error}): over ssh, use ssh -Y"
        ) from None
    try:
        open_window(top, folder, files)
        top.mainloop()
    except BaseException:
        top.destroy()
        raise
    return Outcome()


def open_window(top: tk.Tk, folder: Path, files: dict[str, str] | None) -> MicrographWindow:
    """Fill a window with what a folder holds: labels, an evaluation, screened picks, or picks.

    Raises
    ------
    InputError, ModelError
        If it holds none of them, or they cannot be read.
    """
    ttk.Style(top).theme_use(THEME)
    title = folder.name
    if (folder / LABELS_NAME).exists():
        return MicrographWindow(top, LabelsDisplay(folder, read_pixels).content(title), read_pixels)
    if (folder / EVALUATION_NAME).exists():
        display = EvaluationDisplay(read_evaluation(folder), files)
        return MicrographWindow(top, display.content(title), read_pixels)
    if (folder / COUNTS_NAME).exists():
        return MicrographWindow(top, _screened(folder, files).content(title), read_pixels)
    return PicksWindow(top, title, PickSelection(folder, files=files), read_pixels)


def _screened(folder: Path, files: dict[str, str] | None) -> ScreenedDisplay:
    """Screened picks on the micrographs of their run, or on others."""
    job = read_job(folder / JOB_NAME)
    params = record_from_dict(ScreenApplyParams, job.params)
    files = files or dict(zip(job.names, job.inputs, strict=True))
    pixel_size = params.pixel_size or read_file(Path(next(iter(files.values()))))[1]
    return ScreenedDisplay(ScreenFolder(folder), files, params.diameter, pixel_size)


def read_pixels(path: str) -> np.ndarray:
    """Image of a file, (h, w)."""
    return read_file(Path(path))[0]
