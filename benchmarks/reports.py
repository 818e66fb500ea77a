# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of an evaluation of full-size micrographs: its size, the time it takes, its pictures.

    python benchmarks/reports.py --work runs/reports [--pictures docs]

Micrographs of 4096 x 4096 are simulated and picked, and evaluated with all candidates beside the
picks, with and without pictures of the micrographs. With a folder for pictures, Chromium draws the
page as the guide shows it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
from scoring import run

from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.pick_folder import CANDIDATES, PickFolder
from cryosegment.tests.browser import screenshot

COUNT, SIDE, PIXEL_SIZE, DIAMETER = 20, 4096, 1.5, 180
SIZES = ["--diameter", str(DIAMETER), "--pixel-size", str(PIXEL_SIZE)]
MEGABYTE = 1e6
ALONE = """
document.querySelector("header").hidden = true;
for (const section of document.querySelectorAll("section"))
  section.hidden = section.querySelector("h2").textContent !== "{title}";
"""
CLICK = 'document.querySelectorAll(".sheet a")[{tile}].click();'


def main() -> None:
    """Print size and time, and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    work = arguments.work
    scene, picks = work / "simulated", work / "picks"
    size = ["--count", str(COUNT), "--size", str(SIDE), str(SIDE), "--snr", "0.05", "--seed", "3"]
    run("simulate", "--output", scene, *size, "--pixel-size", str(PIXEL_SIZE), "--resume")
    run("pick", scene / "micrographs", "--output", picks, *SIZES, "--resume")
    sets = [picks / "coordinates", PickFolder(picks).folder(CANDIDATES)]
    command = ["evaluate", "--picks", *sets, "--names", "picks,candidates", *SIZES]
    command += ["--reference", scene / "truth" / "coordinates.star"]
    for name, more in (("tables", []), ("page", ["--micrographs", scene / "micrographs"])):
        before = time.monotonic()
        run(*command, *more, "--output", work / name)
        seconds = time.monotonic() - before
        megabytes = (work / name / PAGE_NAME).stat().st_size / MEGABYTE
        print(f"{name}: {megabytes:.1f} MB, {seconds:.1f} s")
    if arguments.pictures:
        draw(work / "page" / PAGE_NAME, arguments.pictures)


def draw(page: Path, folder: Path) -> None:
    """Draw the top of the page, and a place on a micrograph, in few colours: files stay small."""
    place = ALONE.format(title="Hits, misses and false picks") + CLICK.format(tile=5)
    for name, height, script in (
        ("evaluation.png", 1150, ""),
        ("hits_and_misses.png", 800, place),
    ):
        screenshot(page, folder / name, 1366, height, script)
        picture = cv2.imread(str(folder / name))
        small = cv2.resize(picture, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / name), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
