# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of picks without a reference: what it says of four pickers, and the time it takes.

    python benchmarks/survey.py --data DATA --work runs/survey [--pictures docs]

Made-up picks as in `consensus.py` are surveyed, one set and four; then picks of crYOLO, Topaz,
DeepPicker and our own on real beta-galactosidase. With a folder for pictures, Chromium draws the
part of that page which the guide shows.
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

import numpy as np
from consensus import EACH, MICROGRAPHS, SETS, SIDE, cpu_seconds, made_up
from empiar10017 import LENGTHS, PEERS, picked_by_others
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from PIL import Image
from scoring import run

from cryosegment.exchange.coordinates import write_coordinates_star
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.tests.browser import screenshot

LENGTHS_GIVEN = ["--diameter", str(REAL_DIAMETER), "--pixel-size", str(REAL_PIXEL_SIZE)]
SHOWN = ("Agreement", "Distances", "Mean image")
"""Sections of the picture."""
WIDTH, HEIGHT, SCALE = 1366, 2415, 0.58
"""Of the window, px, and of its picture in the guide."""


def main() -> None:
    """Print times and memory, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    for count, sets in ((MICROGRAPHS, 1), (4 * MICROGRAPHS, 1), (MICROGRAPHS, SETS)):
        measure(arguments.work / f"made_up_{count}_{sets}", count, sets)
    page = survey(arguments.data / "empiar10017", arguments.work)
    if arguments.pictures:
        draw(page, arguments.pictures / "survey.png")


def measure(work: Path, count: int, sets: int) -> None:
    """Time the command on made-up picks."""
    paths, random = [work / f"set_{i}.star" for i in range(sets)], np.random.default_rng(0)
    particles = random.uniform(0, SIDE, (count, EACH, 2))
    for path in paths:
        write_coordinates_star(path, made_up(particles, random))
    before = cpu_seconds()
    run("report", *map(str, paths), *LENGTHS_GIVEN, "--output", str(work / "page"))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = (work / "page" / PAGE_NAME).stat().st_size / 1e6
    print(
        f"{sets} of {count} micrographs: CPU s {cpu_seconds() - before:.1f}, MiB so far "
        f"{memory:.0f}, page MB {size:.2f}"
    )


def survey(folder: Path, work: Path) -> Path:
    """The page of four pickers on the micrographs that all have."""
    names = sorted(picked_by_others(folder))
    files = [str(folder / "micrographs" / f"{name}.jpg") for name in names]
    picks = str(work / "ours")
    run("pick", *files, *LENGTHS, "--pixel-size", str(REAL_PIXEL_SIZE), "--output", picks)
    others = [str(folder / "other_pickers" / peer) for peer in PEERS]
    run("report", picks, *others, "--output", str(work / "page"))
    return work / "page" / PAGE_NAME


def draw(page: Path, target: Path) -> None:
    """Draw some sections of a page."""
    script = f"""<script>
    document.querySelector("header").hidden = true;
    for (const section of document.querySelectorAll("section"))
      section.hidden = !{list(SHOWN)}.includes(section.querySelector("h2").textContent);
    </script></body>"""
    shown = page.with_name("shown.html")
    shown.write_text(page.read_text("utf-8").replace("</body>", script), "utf-8")
    screenshot(shown, target, WIDTH, HEIGHT)
    size = (round(WIDTH * SCALE), round(HEIGHT * SCALE))
    Image.open(target).convert("RGB").resize(size).save(target, optimize=True)


if __name__ == "__main__":
    main()
