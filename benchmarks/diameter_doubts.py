# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether picking notices a diameter that is wrong.

    OMP_NUM_THREADS=1 python benchmarks/diameter_doubts.py --data DATA --work WORK SIMULATION...

DATA holds `empiar10017/`, each SIMULATION is a folder that `cryosegment simulate` has made.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from micrograph_sets import MicrographSet, read_empiar10017, read_simulation
from scoring import run

from cryosegment.exchange.pick_summary import FEW, OTHER_DIAMETER, read_summaries

FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
"""Of the true diameter."""
COUNT = 2
"""Micrographs of each set."""


def main() -> None:
    """Pick every set with every diameter and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulations", nargs="*", type=Path, metavar="SIMULATION")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    sets = [read_simulation(folder) for folder in arguments.simulations]
    if arguments.data:
        sets.append(read_empiar10017(arguments.data / "empiar10017"))
    print("| micrographs | true Å | " + " | ".join(f"x {factor:g}" for factor in FACTORS) + " |")
    print("|---" * (2 + len(FACTORS)) + "|")
    for some in sets:
        said = [remarks(some, factor, arguments.work) for factor in FACTORS]
        print(f"| {some.name} | {some.diameter:.0f} | {' | '.join(said)} |", flush=True)


def remarks(some: MicrographSet, factor: float, work: Path) -> str:
    """Number of micrographs with a doubt about the diameter, and of those with few particles."""
    output = work / "picks"
    shutil.rmtree(output, ignore_errors=True)
    options = f"--diameter {factor * some.diameter} --pixel-size {some.pixel_size} --gpu cpu"
    files = map(str, some.micrographs[:COUNT])
    run("pick", *files, *options.split(), "--output", str(output))
    summaries = read_summaries(output).values()
    doubts = sum(OTHER_DIAMETER in summary.doubts for summary in summaries)
    few = sum(summary.expected < FEW for summary in summaries)
    return f"{doubts}" + (f", {few} sparse" if few else "")


if __name__ == "__main__":
    main()
