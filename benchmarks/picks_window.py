# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the picks window takes to list 5,000 micrographs and to show one of 4096 x 4096 px.

    xvfb-run -s '-screen 0 1366x768x24' python benchmarks/picks_window.py --work runs/picks_window

The candidates are made up, 500 on each micrograph, and so are the micrographs.
"""

from __future__ import annotations

import argparse
import time
import tkinter as tk
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
from repick_speed import PIXEL_SIZE, SIDE, make_candidates

from cryosegment.cli.showing import read_pixels
from cryosegment.window.picks_window import PicksWindow
from cryosegment.window.selection import PickSelection

MICROGRAPHS, SHOWN = 5000, 5


def main() -> None:
    """Make the run, use the window, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    if not (work / "picks").exists():
        make_candidates(work / "picks", MICROGRAPHS)
    pixels = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    for number in range(SHOWN):
        path = work / f"micrograph_{number:04}.mrc"
        mrcfile.write(path, pixels, voxel_size=PIXEL_SIZE, overwrite=True)
    print("| what | CPU s | s |", "|---|---|---|", sep="\n")
    for what, (cpu, clock) in measured(work).items():
        print(f"| {what} | {cpu:.2f} | {clock:.2f} |")


def measured(work: Path) -> dict[str, tuple[float, float]]:
    """CPU and clock time of each thing that is done, s, by its name."""
    top, found = tk.Tk(), {}

    def timed(what: str, act: Callable[[], object]) -> None:
        begun = time.process_time(), time.monotonic()
        act()
        top.update_idletasks()  # which draws; reading waits
        top.winfo_pointerxy()  # the display answers: it has drawn
        found[what] = time.process_time() - begun[0], time.monotonic() - begun[1]

    files = {
        f"micrograph_{n:04}": str(work / f"micrograph_{n % SHOWN:04}.mrc")
        for n in range(MICROGRAPHS)
    }
    opened: list[PicksWindow] = []

    def open_window() -> None:
        selection = PickSelection(work / "picks", files=files)
        opened.append(PicksWindow(top, "Picks", selection, read_pixels))

    timed(f"{MICROGRAPHS:,} micrographs are listed, and the first is shown", open_window)
    window = opened[0]
    timed("their candidates are read; the window can be used meanwhile", lambda: count(window))
    timed("another threshold: the picks that are seen", lambda: window.move(0.5))
    timed("another threshold: all micrographs are counted", window.recount)
    window.selection.limit("min_distance", "0.8")
    timed("another distance: all micrographs are counted", lambda: count(window))
    timed("another micrograph is shown", lambda: show_next(window))
    timed("it is made twice as large", lambda: window.canvas.zoom(2))
    timed("it is low-pass filtered", lambda: window.look.resolution.scale.set(20))
    top.destroy()
    return found


def show_next(window: PicksWindow) -> None:
    """Show another micrograph."""
    window.list.step(1)
    window.top.update()


def count(window: PicksWindow) -> None:
    """Let it count the candidates of all micrographs."""
    while not window.selection.is_counted:
        window.selection.proceed(1.0)
    window.recount()


if __name__ == "__main__":
    main()
