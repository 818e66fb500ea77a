# SPDX-License-Identifier: GPL-3.0-or-later
"""How many picks lie on filaments among particles, and how many of them are noticed.

    OMP_NUM_THREADS=1 python benchmarks/filaments.py --data DATA --work WORK

DATA holds `empiar10017/` and `maps/`; the filaments are made here. A second table has micrographs
without filaments, where all that is flagged is flagged wrongly.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
from micrograph_sets import HARD, MicrographSet, Scene, read_empiar10017, simulated
from scoring import pick, run

from cryosegment.core.evaluation.matching import match
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.exchange.star import read_star

MOLECULE = "maps/models/3cf3.pdb.gz"
"""Of the particles."""
LENGTH, VOXEL, PIXEL_SIZE = 1400.0, 8.0, 4.0
"""Of a filament, Å, and Å/px of its map and of the micrographs."""
OPTIONS = "--size 1280 1280 --count 3 --snr 0.05 --seed 41 --ratios 1,25 --coverage 0.45"
VIEW = "--preferred 1 --preferred-view 0 90 --preferred-spread 8"
"""Filaments lie in the plane of the ice."""
WITHOUT = (
    *(Scene(name, 0.02, word="elongated") for name in ("1igy", "3d2f", "5a1a")),
    *(scene for scene in HARD if scene.word == "crowded"),
)
"""Simulated sets without filaments, of particles that come nearest to them."""
TOLERANCE = 0.25
"""Largest distance of a pick from the particle that it is, in diameters."""


def tube(width: float, hollow: float) -> Callable[..., np.ndarray]:
    """A rod or tube with a repeat of 80 Å."""

    def density(z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        away = np.hypot(y, x)
        wall = _inside(away - width / 2) - (_inside(away - hollow / 2) if hollow else 0)
        return wall * (1 + 0.25 * np.cos(2 * np.pi * z / 80))

    return density


def strands(z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Two strands wound around each other, 80 Å wide."""
    turn = 2 * np.pi * z / 360
    axes = [np.hypot(y - way * 18 * np.sin(turn), x - way * 18 * np.cos(turn)) for way in (1, -1)]
    return _inside(np.minimum(*axes) - 24 * (1 + 0.12 * np.cos(2 * np.pi * z / 55)))


def beads(width: float, spacing: float) -> Callable[..., np.ndarray]:
    """Lumpy globules in a row."""

    def density(z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        random, total = np.random.default_rng(3), np.zeros(np.broadcast(z, y, x).shape)
        for middle in np.arange((width - LENGTH) / 2, (LENGTH - width) / 2, spacing):
            for _ in range(14):
                lump = random.normal(size=3)
                lump *= 0.36 * width * random.uniform() ** (1 / 3) / np.linalg.norm(lump)
                away = np.sqrt(
                    (z - middle - lump[0]) ** 2 + (y - lump[1]) ** 2 + (x - lump[2]) ** 2
                )
                total += _inside(away - 0.2 * width)
        return total

    return density


KINDS = {
    "two strands, 80 Å": strands,
    "rod, 180 Å": tube(180, 40),
    "tube, 250 Å": tube(250, 160),
    "beads of 90 Å": beads(90, 90),
    "beads of 140 Å": beads(140, 100),
}


def _inside(away: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(away / 6, -50, 50)))


def main() -> None:
    """Simulate, pick, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    print("| filaments | number | particles | picks | on filaments | of these flagged | others |")
    print("|---" * 7 + "|")
    for number, (name, density) in enumerate(KINDS.items()):
        folder = arguments.work / f"filaments_{number}"
        if not (folder / "truth" / "labels.json").exists():
            simulate(folder, density, str(arguments.data / MOLECULE))
        print_row(name, folder)
    print("\n| without filaments | picks | of particles | flagged | of these particles |")
    print("|---" * 5 + "|")
    print_wrong(read_empiar10017(arguments.data / "empiar10017"), arguments.work)
    for some in simulated(WITHOUT, arguments.data / "maps", arguments.work, 1):
        print_wrong(some, arguments.work)


def simulate(folder: Path, density: Callable[..., np.ndarray], molecule: str) -> None:
    """Micrographs of filaments and particles."""
    folder.mkdir(parents=True, exist_ok=True)
    side = int(1.1 * LENGTH / VOXEL) // 2 * 2
    axis = (np.arange(side) - side // 2) * VOXEL
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    volume = density(z, y, x) * (np.abs(z) < LENGTH / 2)
    mrcfile.write(folder / "filament.mrc", volume.astype(np.float32), voxel_size=VOXEL)
    molecules = ["--molecule", str(folder / "filament.mrc"), "--molecule", molecule]
    options = [*OPTIONS.split(), *VIEW.split(), "--pixel-size", str(PIXEL_SIZE)]
    run("simulate", *options, *molecules, "--output", str(folder))


def print_row(name: str, folder: Path) -> None:
    """One line of the table."""
    with (folder / "truth" / "species.csv").open() as stream:
        diameter = [row["diameter"] for row in csv.DictReader(stream)][1]
    output, options = folder / "picks", f"--diameter {diameter} --filaments flag --gpu cpu".split()
    run("pick", str(folder / "micrographs"), *options, "--output", str(output))
    blocks = read_star(folder / "truth" / "coordinates.star").values()
    block = next(block for block in blocks if "rlnClassNumber" in block)
    species = np.array(block["rlnClassNumber"], dtype=int)
    owners = [Path(text).stem for text in block["rlnMicrographName"]]
    counts = np.zeros(4, int)
    results = PickFolder(output)
    for micrograph in results.names(CANDIDATES):
        own = species[[owner == micrograph for owner in owners]]
        instances = mrcfile.read(folder / "truth" / "instances" / f"{micrograph}.mrc")
        picks = results.read(COORDINATES, micrograph, PIXEL_SIZE)
        y, x = np.clip(picks.centers_yx.round().astype(int), 0, np.array(instances.shape) - 1).T
        is_on = np.isin(instances[y, x], np.flatnonzero(own == 1) + 1)
        flagged = picks.filaments == 1
        counts += [len(picks), is_on.sum(), (is_on & flagged).sum(), (~is_on & flagged).sum()]
    number, particles = (int((species == kind).sum()) for kind in (1, 2))
    print(f"| {name} | {number} | {particles} | {' | '.join(map(str, counts))} |", flush=True)


def print_wrong(some: MicrographSet, work: Path) -> None:
    """One line of the table of micrographs without filaments."""
    options = f"--diameter {some.diameter} --filaments flag --gpu cpu".split()
    found = pick(some.micrographs, work / "picks" / some.folder, some.pixel_size, options).chosen
    counts = np.zeros(4, int)
    for name, picks in found.items():
        flagged, is_particle = picks.filaments == 1, np.zeros(len(picks), bool)
        reach = TOLERANCE * some.diameter / some.pixel_size
        is_particle[match(picks.centers_yx, some.reference[name].centers_yx, reach).picks] = True
        counts += [len(picks), is_particle.sum(), flagged.sum(), (flagged & is_particle).sum()]
    print(f"| {some.name} | {' | '.join(map(str, counts))} |", flush=True)


if __name__ == "__main__":
    main()
