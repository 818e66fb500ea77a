# SPDX-License-Identifier: GPL-3.0-or-later
"""A display that nobody sees, with a mouse and a keyboard."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tkinter as tk
from functools import lru_cache
from typing import Callable, Tuple

SCREEN = "1366x768x24"  # of a small laptop
INTERVAL = 20  # ms between two looks at a window
MOST_LOOKS = 1000


def has_display() -> bool:
    """Whether there are the programs for one."""
    return all(shutil.which(program) for program in ("Xvfb", "xdotool"))


@lru_cache(maxsize=None)
def start_display() -> None:
    """Let DISPLAY be a running Xvfb; it ends with this process, as Tk's connection to it does."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(server.terminate)
    os.close(write)
    with os.fdopen(read) as stream:
        os.environ["DISPLAY"] = f":{stream.readline().strip()}"


def until(window: tk.Misc, holds: Callable[[], bool], what: str) -> None:
    """Let a window go on until something holds, which it must before long."""
    for _ in range(MOST_LOOKS):
        window.update()
        if holds():
            return
        passed = tk.BooleanVar(window)
        window.after(INTERVAL, passed.set, True)
        window.wait_variable(passed)
    raise AssertionError(f"expected that {what}")


def press(*keys: str) -> None:
    """Press keys, by their names in X, one after the other."""
    subprocess.run(["xdotool", "key", *keys], check=True)


def drag(widget: tk.Misc, start: Tuple[float, float], end: Tuple[float, float]) -> None:
    """Move the mouse over a widget, its left button down, between (x, y) in px."""
    left, top = widget.winfo_rootx(), widget.winfo_rooty()
    (x, y), (u, v) = ((str(round(left + a)), str(round(top + b))) for a, b in (start, end))
    words = ["mousemove", x, y, "mousedown", "1", "mousemove", u, v, "mouseup", "1"]
    subprocess.run(["xdotool", *words], check=True)


def click(widget: tk.Misc, at: Tuple[float, float]) -> None:
    """Click on a widget at (x, y) in px with the left button."""
    drag(widget, at, at)
