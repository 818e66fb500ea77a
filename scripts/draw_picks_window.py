# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the picks window on a picking run with masks, as it stands in the guide.

xvfb-run -s '-screen 0 1366x768x24' python scripts/draw_picks_window.py picks docs/picks_window.png
"""

from __future__ import annotations

import argparse
import tkinter as tk
from pathlib import Path

from PIL import ImageGrab
from small_pictures import save_small

from cryosegment.cli.showing import open_window
from cryosegment.window.picks_window import PicksWindow

WIDTH, HEIGHT = 1180, 700
ZOOM, PLACE = 3.2, (0.55, 0.8)  # and the part of the canvas that stays


def main() -> None:
    """Open the window, show a part of the first micrograph, and draw the screen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picks", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    top = tk.Tk()
    window = open_window(top, arguments.picks, None)
    assert isinstance(window, PicksWindow), f"{arguments.picks} holds no picks"
    top.geometry(f"{WIDTH}x{HEIGHT}+0+0")
    while window.selection.threshold is None:
        top.update()
    width, height = window.canvas.winfo_width(), window.canvas.winfo_height()
    window.canvas.zoom(ZOOM, PLACE[0] * width, PLACE[1] * height)
    window.look.next_over()
    top.update()
    screen = ImageGrab.grab((0, 0, WIDTH, HEIGHT), xdisplay="")
    save_small(screen, arguments.picture)
    top.destroy()


if __name__ == "__main__":
    main()
