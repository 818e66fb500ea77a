# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps from picks on real micrographs: the experts', ours, and those of other programs.

    OMP_NUM_THREADS=1 python benchmarks/real_maps.py --data DATA --work runs/real_maps \
        --figure docs/real_maps.png

DATA holds `empiar10017/` and `maps/`; RELION 3.1.3 must be installed (Debian: `relion`). On the six
micrographs of beta-galactosidase that all pickers have, particles are refined by RELION's
auto-refine from the known map without what is finer than 80 Å: as many of each picker, drawn at
random, then all of them. The resolution is that at which the Fourier shell correlation of the half
maps falls below 0.143, and that with the known map below 0.5. The last column is the correlation
with the known map, once the map has its amplitudes.

Then our picks that no expert has: a map of them alone, beside one of as many that an expert has,
and one of as many random places, which shows what the known map alone would give.
The figure shows their maps, the averages of their particles, their views, and how like the known
map's projections the particles are. What is finished is not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from empiar10017 import LENGTHS, PEERS, fine_tune, picked_by_others, split
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE, read_empiar10017
from real_figure import draw
from real_places import kinds_of_places
from relion_maps import Laboratory
from scoring import Sets, only, pick

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.particles.relion import read_relion

BINNING = 4
HEADER = "| picks | particles | half maps, Å | known map, Å | correlation |\n" + "|---" * 5 + "|"
TRAINED = "fine_tuned.safetensors"


def main() -> None:
    """Pick, refine, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--number", type=int, default=1000, help="of particles, where it is equal")
    parser.add_argument("--minutes", default="4", help="of training on five micrographs")
    parser.add_argument("--figure", type=Path, help="PNG to draw")
    arguments = parser.parse_args()
    arguments.model, arguments.crf = "general", "auto"
    folder = arguments.data / "empiar10017"
    real = read_empiar10017(folder)
    laboratory = Laboratory(
        arguments.work, 4096, REAL_PIXEL_SIZE, BINNING, REAL_DIAMETER, symmetry="D2"
    )
    molecule = arguments.data / "maps/densities/betaGal.mrc.gz"
    laboratory.prepare(real.micrographs, molecule, read_relion(folder / "poses_relion31.star"))
    names = picked_by_others(folder)
    pickers = {name: only(found, names) for name, found in read_pickers(arguments).items()}
    print(HEADER)
    kinds = kinds_of_places(pickers["zero-shot"], pickers["experts"], pickers.values())
    equal = {
        f"{name}, {arguments.number}": drawn(found, arguments.number)
        for name, found in {**pickers, **kinds}.items()
    }
    for name, found in equal.items():
        print_row(laboratory, name, found)
    if arguments.figure:
        draw(laboratory, list(equal)[-len(kinds) :], arguments.figure)
    for name, found in pickers.items():
        print_row(laboratory, f"{name}, all", found)


def read_pickers(arguments: argparse.Namespace) -> dict[str, Sets]:
    """Picks of everybody by picker, ours made where they are missing."""
    folder = arguments.data / "empiar10017"
    training, held_out = split(folder)
    options = [*LENGTHS, "--crf", arguments.crf, "--resume"]
    zero_shot = pick(
        read_empiar10017(folder).micrographs,
        arguments.work / "zero_shot",
        REAL_PIXEL_SIZE,
        [*options, "--model", arguments.model],
    )
    own = arguments.work / "few_shot"
    model = own / TRAINED
    if not model.exists():
        fine_tune(training, folder / "coordinates", own, arguments)
    few_shot = pick(held_out, own / "picks", REAL_PIXEL_SIZE, [*options, "--model", str(model)])
    others = {name: folder / "other_pickers" / name for name in PEERS[:2]}
    return {
        "experts": read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE),
        "zero-shot": zero_shot.chosen,
        "few-shot": few_shot.chosen,
        **{name: read_coordinates(path, REAL_PIXEL_SIZE) for name, path in others.items()},
    }


def drawn(sets: Sets, number: int) -> Sets:
    """So many of all picks, at random."""
    sizes = [len(found) for found in sets.values()]
    chosen = np.zeros(sum(sizes), bool)
    chosen[np.random.default_rng(0).permutation(len(chosen))[:number]] = True
    parts = np.split(chosen, np.cumsum(sizes)[:-1])
    return {
        name: found.select(part) for (name, found), part in zip(sets.items(), parts, strict=True)
    }


def print_row(laboratory: Laboratory, name: str, picks: Sets) -> None:
    """A map of picks, and what it is worth."""
    laboratory.extract(name, picks)
    laboratory.refine(name)
    halves, known, correlation = laboratory.agreement(name)
    number = len(read_relion(laboratory.particles(name)))
    print(f"| {name} | {number} | {halves:.1f} | {known:.1f} | {correlation:.3f} |", flush=True)


if __name__ == "__main__":
    main()
