# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimated particle diameters beside the true ones.

    OMP_NUM_THREADS=1 python benchmarks/diameter.py --data DATA SIMULATION...

DATA holds `empiar10017/`, each SIMULATION is a folder that `cryosegment simulate` has made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from micrograph_sets import MicrographSet, read_empiar10017, read_simulation

NEAR = 0.15
"""Largest error of a good estimate."""


def main() -> None:
    """Estimate the diameter of every set and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulations", nargs="*", type=Path, metavar="SIMULATION")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    sets = [read_simulation(folder) for folder in arguments.simulations]
    if arguments.data:
        sets.append(read_empiar10017(arguments.data / "empiar10017"))
    print("| micrographs | true Å | estimate Å | low to high Å | error |\n|---|---|---|---|---|")
    good = [print_row(some, arguments.model) for some in sets]
    print(f"\n{sum(good)} of {len(good)} within {NEAR:.0%}")


def print_row(some: MicrographSet, model: str) -> bool:
    """One line of the table; whether the estimate is good."""
    files, pixel_size = map(str, some.micrographs), str(some.pixel_size)
    command = [sys.executable, "-m", "cryosegment", "diameter", *files, "--pixel-size", pixel_size]
    done = subprocess.run([*command, "--model", model, "--json"], capture_output=True, text=True)
    if done.returncode:
        print(f"| {some.name} | {some.diameter:.0f} | {done.stderr.strip()} | | |", flush=True)
        return False
    found = json.loads(done.stdout)
    error = found["diameter"] / some.diameter - 1
    figures = f"{found['diameter']:.0f} | {found['low']:.0f} to {found['high']:.0f} | {error:+.0%}"
    print(f"| {some.name} | {some.diameter:.0f} | {figures} |", flush=True)
    return abs(error) <= NEAR


if __name__ == "__main__":
    main()
