# SPDX-License-Identifier: GPL-3.0-or-later
"""Pickers beside ours: RELION's Laplacian of Gaussian and Topaz, on the same files.

    OMP_NUM_THREADS=1 python benchmarks/peers.py --data DATA --work runs/peers [--count 3]

DATA holds `maps/` and `empiar10017/`. RELION 3.1.3 must be installed (Debian: `relion`); Topaz gets
an environment of its own in the work folder. RELION is given the true diameter, which a user does
not know exactly; Topaz is its packaged detector. Each is scored at its own default threshold
(Topaz: 0, as -6, its default, keeps nearly all), and over all of its candidates, for which RELION
is run again. Seconds are of processor time per micrograph, the start of the program included, and
the second run of RELION not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from micrograph_sets import HARD, UNSEEN, MicrographSet, read_empiar10017, simulated
from scoring import HEADER, Scored, pick, print_row

from cryosegment.core.images.micrograph import read_micrograph, write_image
from cryosegment.exchange.coordinates import read_coordinates

LAUNCHER = Path(__file__).with_name("topaz_launcher.py")
TOPAZ = ("torch==2.13.0", "torchvision==0.28.0", "topaz-em==0.3.20", "mrcfile")
TOPAZ_PIXEL_SIZE = 7.0
"""Å/px near which its detectors were trained."""
TOPAZ_THRESHOLD = 0.0
LOG_WIDTH = 0.1
"""Smallest and largest diameter for RELION, as a share of the true one on either side."""
LOG_THRESHOLDS = {"chosen": 0.0, "candidates": -2.0}
"""What is added to RELION's own threshold, in its standard deviations."""

Picker = Callable[[MicrographSet, Path], tuple[Scored, float]]
"""Picks in a set with a folder of its own, and the seconds of processor time that they took."""


def main() -> None:
    """Pick every set with every program, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3, help="simulated micrographs of each kind")
    parser.add_argument("--model", default="general")
    parser.add_argument("--pickers", default="ours,relion-log,topaz")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    pickers: dict[str, Picker] = {
        "ours": lambda some, output: pick_ours(some, output, arguments.model),
        "relion-log": pick_with_relion,
        "topaz": lambda some, output: pick_with_topaz(some, output, arguments.work),
    }
    print(HEADER)
    for some in read_sets(arguments):
        for name in arguments.pickers.split(","):
            output = arguments.work / "picks" / name / some.folder
            output.mkdir(parents=True, exist_ok=True)
            found, seconds = pickers[name](some, output)
            label = f"{some.name}: {name}, {seconds / len(some.micrographs):.1f} s"
            print_row(label, found, some.reference, some.diameter)


def cpu_seconds() -> float:
    """Processor time of all programs that were run so far."""
    used = os.times()
    return used.children_user + used.children_system


def read_sets(arguments: argparse.Namespace) -> Iterator[MicrographSet]:
    """The simulated sets, then the real one."""
    work = arguments.work
    yield from simulated(UNSEEN + HARD, arguments.data / "maps", work, arguments.count)
    yield as_mrc(read_empiar10017(arguments.data / "empiar10017"), work / "empiar10017")


def as_mrc(some: MicrographSet, folder: Path) -> MicrographSet:
    """A set whose micrographs are MRC files, which every program reads."""
    micrographs = []
    for path in some.micrographs:
        target = folder / f"{path.stem}.mrc"
        if not target.exists():
            image = read_micrograph(path, some.pixel_size, path.stem).image
            write_image(target, image.numpy(), some.pixel_size)
        micrographs.append(target)
    return replace(some, micrographs=micrographs)


def pick_ours(some: MicrographSet, output: Path, model: str) -> tuple[Scored, float]:
    """Our picks with a model, all else as it comes."""
    options = ["--diameter", str(some.diameter), "--model", model]
    before = cpu_seconds()
    found = pick(some.micrographs, output, some.pixel_size, options)
    return found, cpu_seconds() - before


def pick_with_relion(some: MicrographSet, output: Path) -> tuple[Scored, float]:
    """Picks of `relion_autopick --LoG`, timed at its own threshold."""
    images = linked(some, output)
    low, high = some.diameter * (1 - LOG_WIDTH), some.diameter * (1 + LOG_WIDTH)
    command = ["relion_autopick", "--LoG", "--i", "images/*.mrc", "--angpix", str(some.pixel_size)]
    command += ["--LoG_diam_min", str(low), "--LoG_diam_max", str(high), "--pickname", "autopick"]
    found, seconds = [], []
    for kind, threshold in LOG_THRESHOLDS.items():
        own = ["--odir", f"{kind}/", "--LoG_adjust_threshold", str(threshold)]
        before = cpu_seconds()
        run_quietly([*command, *own], output)
        seconds.append(cpu_seconds() - before)
        found.append(read_coordinates(output / kind / images.name, some.pixel_size))
    return Scored(*found), seconds[0]


def pick_with_topaz(some: MicrographSet, output: Path, work: Path) -> tuple[Scored, float]:
    """Picks of Topaz' packaged detector (resnet16), one thread, one process."""
    topaz = [str(topaz_python(work / "topaz")), str(LAUNCHER)]
    before = cpu_seconds()
    scale = max(1, round(TOPAZ_PIXEL_SIZE / some.pixel_size))
    images, small = linked(some, output), output / "small"
    files = [str(path.relative_to(output)) for path in sorted(images.glob("*.mrc"))]
    run_quietly([*topaz, "preprocess", "-s", str(scale), "-o", "small", "-j", "1", *files], output)
    radius = round(some.diameter / some.pixel_size / scale / 2)
    extract = f"extract -m resnet16 -r {radius} -x {scale} -d -1 -j 1 -o picks.txt".split()
    files = [str(path.relative_to(output)) for path in sorted(small.glob("*.mrc"))]
    run_quietly([*topaz, *extract, *files], output)
    seconds = cpu_seconds() - before
    candidates = read_coordinates(output / "picks.txt", some.pixel_size)
    chosen = {name: one.select(one.scores >= TOPAZ_THRESHOLD) for name, one in candidates.items()}
    return Scored(chosen, candidates), seconds


def topaz_python(folder: Path) -> Path:
    """Python of Topaz' environment, made where it is missing."""
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # torch first: asked for by torchvision alone it would be another build
        for requirements in (TOPAZ[:1], TOPAZ):
            subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True)
        (folder / "installed").touch()
    return python.absolute()


def linked(some: MicrographSet, output: Path) -> Path:
    """A folder of links to the micrographs: some programs write beside their input."""
    folder = output / "images"
    folder.mkdir(exist_ok=True)
    for path in some.micrographs:
        link = folder / path.name
        if not link.is_symlink():
            link.symlink_to(path.absolute())
    return folder


def run_quietly(command: list[str], folder: Path) -> None:
    """A program of others, in a folder, its words in a log there."""
    with (folder / "log.txt").open("a") as log:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=True)


if __name__ == "__main__":
    main()
