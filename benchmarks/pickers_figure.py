# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the table of pickers that stands in docs/benchmarks/picking.md.

    python benchmarks/pickers_figure.py --page docs/benchmarks/picking.md --figure docs/pickers.png

A bar is F1 at the picker's own threshold, a mark the best F1 of any threshold; the names of the
pickers have the mean CPU seconds for a simulated micrograph of 4096 x 4096.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

HEADING = "| picks | CPU s | P | R | F1 | AP | best F1 | error Å |"
COLOURS = {"ours": "#0072b2", "relion-log": "#e69f00", "topaz": "#999999"}
"""Told apart by the colour-blind (Okabe & Ito)."""
LABELS = {"ours": "cryosegment", "relion-log": "RELION LoG", "topaz": "Topaz"}
WIDTH = 0.27
REAL = "EMPIAR"


@dataclass(frozen=True)
class Row:
    """A set, a picker, and figures of its picks there."""

    set_name: str
    picker: str
    seconds: float
    f1: float
    best_f1: float


def main() -> None:
    """Read the page, write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--figure", type=Path, required=True)
    arguments = parser.parse_args()
    draw(read_rows(arguments.page), arguments.figure)


def read_rows(page: Path) -> list[Row]:
    """The rows of the table under `HEADING`."""
    lines = page.read_text().split(HEADING, 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name, picker = cells[0].rsplit(": ", 1)
        rows.append(Row(name, picker, float(cells[1]), float(cells[4]), float(cells[6])))
    return rows


def draw(rows: list[Row], figure: Path) -> None:
    """Bars side by side for each set."""
    names = list(dict.fromkeys(row.set_name for row in rows))
    seconds = defaultdict(list)
    for row in rows:
        if not row.set_name.startswith(REAL):
            seconds[row.picker].append(row.seconds)
    canvas, axes = plt.subplots(figsize=(10, 5.2), layout="constrained")
    for column, picker in enumerate(COLOURS):
        own = {row.set_name: row for row in rows if row.picker == picker}
        places = np.arange(len(names)) + (column - 1) * WIDTH
        label = f"{LABELS[picker]}, {np.mean(seconds[picker]):.1f} s"
        heights = [own[name].f1 for name in names]
        axes.bar(places, heights, WIDTH, color=COLOURS[picker], label=label)
        marks = [own[name].best_f1 for name in names]
        axes.plot(places, marks, "_", color="black", markersize=9, markeredgewidth=1.5)
    axes.plot([], [], "_", color="black", label="best threshold")
    parts = [re.sub(r", |(?<=\d) (?=[a-z])", "\n", name).splitlines() for name in names]
    labels = ["\n".join(textwrap.fill(part, 12) for part in own) for own in parts]
    axes.set_xticks(range(len(names)), labels, fontsize=7)
    axes.set(ylabel="F1 within 0.25 diameter", ylim=(0, 1.02))
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    canvas.legend(loc="outside upper center", ncols=4, frameon=False)
    canvas.savefig(figure, dpi=110)


if __name__ == "__main__":
    main()
