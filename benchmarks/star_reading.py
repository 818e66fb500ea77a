# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory of reading and writing a large STAR file of particles, ours beside starfile.

    OMP_NUM_THREADS=1 python benchmarks/star_reading.py [--particles 1000000]

The file has 13 columns of a refinement. Each reader runs in a process of its own, imports before
the clock starts, the best of `--repeats` runs that alternate. `columns` takes coordinates, scores
and micrographs of our STAR reader, `all columns` every column of it (two as text), `coordinates`
and `particles` are what commands read; starfile reads everything, as it always does. `parts` is a
round trip: a kept and a dropped half are written with every column and eight more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PER_MICROGRAPH = 300
NUMBERS = (
    "rlnCoordinateX",
    "rlnCoordinateY",
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnAutopickFigureOfMerit",
    "rlnOpticsGroup",
)
TEXTS = ("rlnImageName", "rlnMicrographName")
READERS = {
    "starfile": "import starfile; read = starfile.read",
    "columns": "from cryosegment.exchange.star import read_star\n"
    f"def read(path): return read_star(path)['particles'].read({NUMBERS[:2] + NUMBERS[9:10]},"
    f" {TEXTS[1:]})",
    "all columns": "from cryosegment.exchange.star import read_star\n"
    f"def read(path): return read_star(path)['particles'].read({NUMBERS}, {TEXTS})",
    "coordinates": "from cryosegment.exchange.coordinates import read_coordinates\n"
    "def read(path): return read_coordinates(path, 1.5)",
    "particles": "from cryosegment.exchange.particles import read_particles as read",
    "parts": """
import numpy as np
from cryosegment.exchange.particles import open_particles
def read(path):
    particles = open_particles(path)
    added = {f"Score{i}": np.linspace(0, 1, len(particles)) for i in range(8)}
    is_kept = np.arange(len(particles)) % 2 == 0
    for name, chosen in (("kept", is_kept), ("dropped", ~is_kept)):
        particles.write_part(f"{path}.{name}.star", chosen, added)
""",
}
MEASURE = """
import json, resource, sys, time
begin, cpu = time.perf_counter(), time.process_time()
found = read(sys.argv[1])
wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps([cpu, wall, peak]))
"""


def write_particles(path: Path, count: int) -> None:
    """A STAR file as RELION lays it out, a micrograph at a time: the readers inherit our memory."""
    random = np.random.default_rng(0)
    labels = "".join(f"_{name} #{i} \n" for i, name in enumerate((*NUMBERS, *TEXTS), start=1))
    with path.open("w") as stream:
        stream.write("\n# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n")
        stream.write("_rlnImagePixelSize #2 \n           1     1.500000 \n \n\n# version 30001\n\n")
        stream.write(f"data_particles\n\nloop_ \n{labels}")
        for first in range(0, count, PER_MICROGRAPH):
            name = f"Movies/mic{first // PER_MICROGRAPH:05d}"
            values = random.uniform(0, 4096, (PER_MICROGRAPH, len(NUMBERS) - 1))
            for number, row in enumerate(values[: count - first].tolist(), start=1):
                cells = " ".join(f"{value:12.6f}" for value in row)
                image = f"{number:06d}@Extract/job007/{name}.mrcs"
                stream.write(f"{cells} {1:12d} {image} MotionCorr/job002/{name}.mrc \n")
        stream.write(" \n")


def measure(reader: str, path: Path) -> list[float]:
    """Processor seconds, seconds and peak GB of a reader in a process of its own."""
    command = [sys.executable, "-c", READERS[reader] + MEASURE, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(value) for value in json.loads(result.stdout)]


def main() -> None:
    """Print a row for each reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "particles.star"
        write_particles(path, arguments.particles)
        runs = {reader: [] for reader in READERS}
        for _ in range(arguments.repeats):
            for reader in READERS:
                runs[reader].append(measure(reader, path))
    best = {reader: np.min(found, axis=0) for reader, found in runs.items()}
    print(f"{'reader':<12}  processor s  wall s  peak GB  of starfile's time")
    for reader, (cpu, wall, peak) in best.items():
        part = cpu / best["starfile"][0]
        print(f"{reader:<12}  {cpu:11.2f}  {wall:6.2f}  {peak:7.2f}  {part:18.2f}")


if __name__ == "__main__":
    main()
