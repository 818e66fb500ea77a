# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds per micrograph and peak memory of `cryosegment pick`, one CPU core, CRF on.

    python benchmarks/pick_speed.py [--size 4096] [--count 8] [--model general]

Writes simulated micrographs of 190 Å particles at 1.77 Å/px, picks them in one process pinned to
one thread, and prints the median time per micrograph after the first (start-up left out), with
reading and writing, and the share of each stage.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DIAMETER, PIXEL_SIZE = 190.0, 1.77


def main() -> None:
    """Simulate in a process of its own, so that its memory does not count; then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--model", default="general")
    parser.add_argument("--crf", default="auto")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), arguments.size, arguments.count)
        measure(Path(folder), arguments)


def simulate(folder: Path, size: int, count: int) -> None:
    """Micrographs of the built-in molecule."""
    options = f"--count {count} --size {size} {size} --pixel-size {PIXEL_SIZE} --snr 0.05"
    command = [sys.executable, "-m", "cryosegment", "simulate", "--output", str(folder / "sim")]
    subprocess.run([*command, *options.split()], check=True)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    """Pick every micrograph, and print the figures."""
    import torch

    from cryosegment.core.batch import pick_micrographs
    from cryosegment.core.pipeline import load_model
    from cryosegment.exchange.params import PickParams

    torch.set_num_threads(1)
    params = PickParams(
        diameter=DIAMETER, pixel_size=PIXEL_SIZE, model=arguments.model, crf=arguments.crf
    )
    model = load_model(params.model)
    micrographs = [(path.stem, path) for path in sorted((folder / "sim/micrographs").glob("*.mrc"))]
    clock = [time.perf_counter()]
    pick_micrographs(
        micrographs, model, params, folder / "picks", lambda *_: clock.append(time.perf_counter())
    )
    seconds = [later - earlier for earlier, later in itertools.pairwise(clock)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"first micrograph      {seconds[0]:.2f} s")
    print(f"median of the others  {statistics.median(seconds[1:]):.2f} s")
    print(f"peak memory           {peak:.2f} GiB")


if __name__ == "__main__":
    main()
