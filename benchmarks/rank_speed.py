# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory of ranking particles, for a small and a large list.

    python benchmarks/rank_speed.py [--particles 2000 8000] [--model particles]

Particles of 128 px, 85 px in diameter, in stacks of 250; processor time of all threads, the start
of the program included. What the two lists differ by gives the time of 100,000.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import mrcfile
import numpy as np

from cryosegment.exchange.star import write_star

PER_STACK, SIDE, PIXEL_SIZE, DIAMETER = 250, 128, 2.0, 170.0
TARGET = 100_000
MEASURE = """
import json, resource, sys
from cryosegment.cli.main import main
assert main(sys.argv[1:]) == 0
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6]))
"""


def write_particles(folder: Path, count: int) -> Path:
    """A list of noise images."""
    random = np.random.default_rng(0)
    names = []
    for first in range(0, count, PER_STACK):
        images = random.standard_normal((PER_STACK, SIDE, SIDE), dtype=np.float32)
        mrcfile.write(folder / f"{first}.mrcs", images[: count - first])
        names += [f"{i + 1:06d}@{first}.mrcs" for i in range(min(PER_STACK, count - first))]
    sizes = [PIXEL_SIZE] * count
    table = {"rlnImageName": names, "rlnMicrographName": names, "rlnPixelSize": sizes}
    write_star(folder / "particles.star", {"": table})
    return folder / "particles.star"


def measure(count: int, model: str, threads: int) -> tuple[float, float]:
    """Processor seconds and peak GB of ranking some particles."""
    with tempfile.TemporaryDirectory() as name:
        listed = write_particles(Path(name), count)
        words = ["rank", "--particles", str(listed), "--output", f"{name}/ranked"]
        words += ["--model", model, "--diameter", str(DIAMETER), "--threads", str(threads)]
        command = [sys.executable, "-c", MEASURE, *words, "--keep", "0.5", "--gpu", "cpu"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(result.stdout.splitlines()[-1])
    return seconds, peak


def main() -> None:
    """Print a row for each list, and the time of 100,000 particles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, nargs=2, default=(2000, 8000))
    parser.add_argument("--model", default="particles")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print("| particles | processor s | peak GB |\n|---|---|---|")
    found = []
    for count in arguments.particles:
        found.append(measure(count, arguments.model, arguments.threads))
        print(f"| {count} | {found[-1][0]:.1f} | {found[-1][1]:.2f} |", flush=True)
    (few, many), ((first, _), (second, _)) = arguments.particles, found
    each = (second - first) / (many - few)
    print(f"{1000 * each:.2f} ms each: {first + (TARGET - few) * each:.0f} s for {TARGET}")


if __name__ == "__main__":
    main()
