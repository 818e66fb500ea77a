# SPDX-License-Identifier: GPL-3.0-or-later
"""How long other picks take from the candidates of 1,000 micrographs, 500 on each.

    python benchmarks/repick_speed.py --work runs/repick_speed

The candidates are made up; times are those of whole processes, of the CPU and of the clock.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import numpy as np
from scoring import run

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.pick_folder import CANDIDATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries

MICROGRAPHS, EACH, SIDE = 1000, 500, 4096
PIXEL_SIZE, DIAMETER = 1.77, 191.0
OPTIONS = ("--threshold 0.5", "--number 100000", "--threshold auto --min-distance 0.8 --edge 1")


def main() -> None:
    """Make the candidates, pick again in several ways, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    make_candidates(work / "picks", MICROGRAPHS)
    rows = ["| options | CPU s | s |", "|---|---|---|"]
    for options in OPTIONS:
        output, before, begun = work / "again", cpu_seconds(), time.monotonic()
        run("repick", str(work / "picks"), *options.split(), "--output", str(output))
        seconds = cpu_seconds() - before, time.monotonic() - begun
        rows.append(f"| `{options}` | {seconds[0]:.1f} | {seconds[1]:.1f} |")
        shutil.rmtree(output)
    print(*rows, sep="\n")


def cpu_seconds() -> float:
    """CPU time of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def make_candidates(path: Path, count: int) -> None:
    """A picking run of made-up candidates on so many micrographs, which need not be there."""
    folder, random = PickFolder(path), np.random.default_rng(0)
    names = [f"micrograph_{number:04}" for number in range(count)]
    for name in names:
        found = Coordinates(
            random.uniform(60, SIDE - 60, (EACH, 2)),
            PIXEL_SIZE,
            name,
            np.sort(random.uniform(0.02, 1, EACH))[::-1],
            **{field: random.uniform(100, 250, EACH) for field in ("diameters", "long_axes")},
            **{field: random.uniform(0, 90, EACH) for field in ("short_axes", "axis_angles")},
            contamination=random.uniform(0, 0.3, EACH),
        )
        write_coordinates(folder.file(CANDIDATES, name), found)
    figures = (PIXEL_SIZE, (SIDE, SIDE), 0, EACH / 2, 0.5, 0.1)
    write_summaries(path, [MicrographSummary(name, *figures) for name in names])
    files = tuple(f"{name}.mrc" for name in names)
    Job("pick", {"diameter": DIAMETER}, files, str(path), tuple(names)).write(path / JOB_NAME)


if __name__ == "__main__":
    main()
