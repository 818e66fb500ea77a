# SPDX-License-Identifier: GPL-3.0-or-later
"""How many picks of two species the size classes put where they belong.

    OMP_NUM_THREADS=1 python benchmarks/size_classes.py --work WORK SIMULATION...

Each SIMULATION is a folder that `cryosegment simulate` has made of two molecules.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import shutil
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scoring import run

from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.star import read_star

NEAR = 0.3
"""Largest distance of a pick from the particle that it is, in diameters of the smaller species."""


def main() -> None:
    """Pick each set with the diameter between its species and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulations", nargs="+", type=Path, metavar="SIMULATION")
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    print("| species | Å | particles | picked | boundary Å | in the right class |")
    print("|---" * 6 + "|")
    for folder in arguments.simulations:
        print_row(folder, arguments.work / "picks")


def print_row(folder: Path, output: Path) -> None:
    """One line of the table."""
    with (folder / "truth" / "species.csv").open() as stream:
        diameters = [float(row["diameter"]) for row in csv.DictReader(stream)]
    shutil.rmtree(output, ignore_errors=True)
    diameter = math.sqrt(diameters[0] * diameters[1])
    options = f"--diameter {diameter} --size-classes auto --gpu cpu".split()
    run("pick", str(folder / "micrographs"), *options, "--output", str(output))
    blocks = read_star(folder / "truth" / "coordinates.star").values()
    block = next(block for block in blocks if "rlnClassNumber" in block)
    species = np.array(block["rlnClassNumber"], dtype=int)
    truth = read_coordinates(folder / "truth" / "coordinates.star", 1.0)
    files = PickFolder(output).class_files()
    rows = [
        (int(re.findall(r"\d+", path.name)[-1]), *found)
        for path in files
        for found in matches(read_coordinates(path, 1.0), truth, species)
    ]
    scale = pixel_size(folder)
    near = [row for row in rows if row[2] * scale <= NEAR * min(diameters)]
    right = np.array([number == kind for number, kind, *_ in near])
    parted = np.array([kind for _, kind, *_ in near])
    sizes = [[row[3] for row in rows if row[0] == number] for number in (1, 2)]
    boundary = f"{min(sizes[1]):.0f}" if len(files) == 2 else "none"
    shares = [f"{right[parted == kind].mean():.1%}" for kind in (1, 2)]
    said = " and ".join(shares) if len(files) == 2 else f"{len(files)} class"
    count = ", ".join(str(int((species == kind).sum())) for kind in (1, 2))
    found = ", ".join(str(int((parted == kind).sum())) for kind in (1, 2))
    angstroms = " and ".join(f"{each:.0f}" for each in diameters)
    print(f"| {folder.name} | {angstroms} | {count} | {found} | {boundary} | {said} |", flush=True)


def matches(
    picks: dict[str, Coordinates], truth: dict[str, Coordinates], species: np.ndarray
) -> list[tuple[int, float, float]]:
    """Species of the nearest particle, distance in px, and diameter (Å) of each pick."""
    found = []
    for name, own in picks.items():
        distances, nearest = cKDTree(truth[name].centers_yx).query(own.centers_yx)
        kinds = species[truth[name].rows[nearest] - 1]
        found += list(zip(kinds.tolist(), distances.tolist(), own.diameters.tolist(), strict=True))
    return found


def pixel_size(folder: Path) -> float:
    """Å/px of the micrographs."""
    return read_labels_index(folder / "truth").entries[0].pixel_size


if __name__ == "__main__":
    main()
