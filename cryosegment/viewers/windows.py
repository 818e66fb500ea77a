# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows with micrographs, opened from Scipion."""

from __future__ import annotations

import tkinter as tk
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Optional

import numpy as np
from pwem.emlib.image.image_readers import ImageReadersRegistry
from pwem.objects import Micrograph
from pyworkflow.viewer import View

from cryosegment.convert import mic_name
from cryosegment.exchange.params import RepickParams
from cryosegment.protocols.picked import Picked
from cryosegment.window.content import Content
from cryosegment.window.selection import PickSelection
from cryosegment.window.window import MicrographWindow, Top


def read_image(path: str) -> np.ndarray:
    """First image of a file, (h, w), of any format that Scipion reads."""
    return np.squeeze(np.asarray(ImageReadersRegistry.open(path).getImage(0)))


def image_files(micrographs: Iterable[Micrograph]) -> Dict[str, str]:
    """Image file of each micrograph, by its name."""
    return {mic_name(mic): str(Path(mic.getFileName()).absolute()) for mic in micrographs}


def selection_of(run: Picked, params: Optional[RepickParams] = None) -> PickSelection:
    """The picks of a run, to be selected anew.

    Raises
    ------
    InputError, ModelError, ParameterError
        As those of `PickSelection`.
    """
    files = image_files(run.iterDone())
    return PickSelection(Path(run.getPickFolder()).absolute(), params, files)


class WindowView(View):
    """A window that is made when it is shown.

    Parameters
    ----------
    parent
        Window of Scipion.
    make
        Fills a new window.

    Attributes
    ----------
    window
        What was made.
    """

    def __init__(self, parent: Any, make: Callable[[Top], Any]) -> None:
        self._parent, self._make = parent, make

    def show(self) -> None:
        """Open the window."""
        self.window = self._make(tk.Toplevel(self._parent))


def content_view(parent: Any, content: Content) -> WindowView:
    """A window with micrographs and what lies over them."""
    return WindowView(parent, lambda top: MicrographWindow(top, content, read_image))
