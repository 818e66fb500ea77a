# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw which way y counts in files of CryoSPARC: python scripts/draw_y_axis.py docs/y_axis.png."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosegment.core.filters import gaussian_filter
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.coordinates.cryosparc import write_cs
from cryosegment.exchange.coordinates.record import Picked
from cryosegment.exchange.params import SimulateParams

HEIGHT, WIDTH = 480, 640
PIXEL_SIZE, DIAMETER = 4.0, 180.0
RIGHT, WRONG = "#0072b2", "#d55e00"  # told apart by the colour-blind


def main(path: Path) -> None:
    """Simulate a micrograph, write its particles as .cs, and draw both ways to read the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = {"size": (HEIGHT, WIDTH), "pixel_size": PIXEL_SIZE, "particles": 14}
        write_simulation(folder, SimulateParams(count=1, snr=0.5, seed=4, **size))
        (micrograph,) = (folder / "micrographs").iterdir()
        star = folder / "truth" / "coordinates.star"
        (true,) = read_coordinates(star, PIXEL_SIZE).values()
        picked = Picked(true, str(micrograph), (HEIGHT, WIDTH), star)
        write_cs(folder / "picks.cs", [picked])
        image = gaussian_filter(read_micrograph(micrograph, PIXEL_SIZE).image, 2.0).numpy()
        figure = Figure(figsize=(10, 4.4), layout="constrained")
        for axes, is_up in zip(figure.subplots(1, 2), (False, True), strict=True):
            (picks,) = read_coordinates(folder / "picks.cs", PIXEL_SIZE, HEIGHT, is_up).values()
            draw(axes, image, picks, is_up)
    figure.savefig(path, dpi=100)


def draw(axes: Axes, image: np.ndarray, picks: Coordinates, is_up: bool) -> None:
    """The micrograph with its first row on top, the picks, and how one of them is counted."""
    low, high = np.quantile(image, (0.005, 0.995))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    color = WRONG if is_up else RIGHT
    for y, x in picks.centers_yx:
        axes.plot(x, y, "o", ms=22, mfc="none", mec=color, mew=2)
    y, x = min(picks.centers_yx, key=lambda center: abs(center[1] - 0.62 * WIDTH))
    start = HEIGHT - 1 if is_up else 0
    axes.annotate("", (x, y), (x, start), arrowprops={"arrowstyle": "->", "color": color, "lw": 2})
    axes.set_title("y from the last row: mirrored" if is_up else "y from the first row: on them")
    axes.set_xlabel("x, column of the file")
    axes.set_ylabel("row of the file")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
