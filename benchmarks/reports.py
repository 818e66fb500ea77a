# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of an evaluation of full-size micrographs: its size, the time it takes, its pictures.

    python benchmarks/reports.py --work runs/reports [--pictures docs]

Twenty micrographs of 4096 x 4096 are simulated and picked; the picks and all their candidates are
evaluated, with and without pictures of the micrographs. With a folder for pictures, Chromium draws
the page of smaller and noisier micrographs as the guide shows it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
from consensus import cpu_seconds
from scoring import run

from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.tests.browser import screenshot

LARGE = ("large", 20, 4096, 0.05)
NOISY = ("noisy", 8, 1800, 0.006)
"""Name, number, side in px and signal-to-noise ratio of micrographs."""
PIXEL_SIZE = ["--pixel-size", "1.5"]
SIZES = ["--diameter", "180", *PIXEL_SIZE]
ALONE = """
document.querySelector("header").hidden = true;
for (const section of document.querySelectorAll("section"))
  section.hidden = section.querySelector("h2").textContent !== "Hits, misses and false picks";
document.querySelectorAll(".sheet a")[30].click();
"""
SCALE = 0.75
"""Of pictures in the guide."""


def main() -> None:
    """Print size and time, and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    if arguments.pictures:
        draw(evaluated(arguments.work, *NOISY).resolve(), arguments.pictures.resolve())
    page = evaluated(arguments.work, *LARGE)
    print(f"{page.stat().st_size / 1e6:.1f} MB")


def evaluated(work: Path, name: str, count: int, side: int, snr: float) -> Path:
    """The page of an evaluation; the times with and without micrographs are printed."""
    scene, picks = work / name, work / f"{name}_picks"
    size = ["--count", str(count), "--size", str(side), str(side), "--snr", str(snr), "--seed", "3"]
    run("simulate", "--output", str(scene), *size, *PIXEL_SIZE, "--resume")
    micrographs = str(scene / "micrographs")
    run("pick", micrographs, "--output", str(picks), *SIZES, "--resume")
    sets = [str(PickFolder(picks).folder(kind)) for kind in (COORDINATES, CANDIDATES)]
    command = ["evaluate", "--picks", *sets, "--names", "picks,all candidates", *SIZES]
    command += ["--reference", str(scene / "truth" / "coordinates.star")]
    for what, more in (("tables", []), ("page", ["--micrographs", micrographs])):
        before = cpu_seconds()
        run(*command, *more, "--output", str(work / f"{name}_{what}"))
        print(f"{what}: {cpu_seconds() - before:.1f} CPU s")
    return work / f"{name}_page" / PAGE_NAME


def draw(page: Path, folder: Path) -> None:
    """Draw the top of the page, and a place on a micrograph."""
    for name, width, height, script in (
        ("evaluation.png", 1366, 1150, ""),
        ("hits_and_misses.png", 900, 930, ALONE),
    ):
        screenshot(page, folder / name, width, height, script)
        picture = cv2.imread(str(folder / name))
        small = cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / name), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
