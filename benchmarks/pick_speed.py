# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds per micrograph and peak memory of `cryosegment pick`, one CPU core, CRF on.

    python benchmarks/pick_speed.py [--size 4096 4096] [--pixel-size 1.77] [--count 8] [--masks]

Writes simulated micrographs of 190 Å particles, picks them in one process pinned to one thread,
and prints the median time per micrograph after the first (start-up left out), with reading and
writing, beside that of reading and Fourier cropping alone. CPU seconds are those of this process,
whatever else runs on the machine.
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

from cryosegment.exchange.card import ModelCard

DIAMETER = 190.0


def main() -> None:
    """Simulate in a process of its own, so that its memory does not count; then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, default=(4096, 4096))
    parser.add_argument("--pixel-size", type=float, default=1.77)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--model", default="general")
    parser.add_argument("--crf", default="auto")
    parser.add_argument("--masks", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), arguments)
        measure(Path(folder), arguments)


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Micrographs of the built-in molecule."""
    height, width = arguments.size
    options = f"--count {arguments.count} --size {height} {width} --snr 0.05"
    options += f" --pixel-size {arguments.pixel_size}"
    command = [sys.executable, "-m", "cryosegment", "simulate", "--output", str(folder / "sim")]
    subprocess.run([*command, *options.split()], check=True)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    """Pick every micrograph, and print the figures."""
    import torch

    from cryosegment.core.models.model import load_model
    from cryosegment.core.pipeline.batch import pick_micrographs
    from cryosegment.exchange.params import PickParams

    torch.set_num_threads(1)
    params = PickParams(
        diameter=DIAMETER,
        pixel_size=arguments.pixel_size,
        model=arguments.model,
        crf=arguments.crf,
        masks=arguments.masks,
    )
    model = load_model(params.model, "cpu")
    micrographs = [(path.stem, path) for path in sorted((folder / "sim/micrographs").glob("*.mrc"))]
    clock = [now()]
    pick_micrographs(micrographs, model, params, folder / "picks", lambda *_: clock.append(now()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    spent = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(clock)]
    reading = [crop(path, arguments.pixel_size, model.card) for _, path in micrographs]
    print(f"first micrograph      {spent[0][0]:.2f} s, {spent[0][1]:.2f} CPU s")
    for name, pairs in (("median of the others", spent[1:]), ("reading and cropping", reading)):
        seconds, cpu = map(statistics.median, zip(*pairs, strict=True))
        print(f"{name}  {seconds:.2f} s, {cpu:.2f} CPU s")
    print(f"peak memory           {peak:.2f} GiB")


def crop(path: Path, pixel_size: float, card: ModelCard) -> tuple[float, float]:
    """Seconds, and CPU seconds, to read a micrograph and crop its transform."""
    from cryosegment.core.images.micrograph import read_micrograph
    from cryosegment.core.images.resample import fourier_crop

    start = now()
    image = read_micrograph(path, pixel_size).image
    factor = card.input.pixels_per_diameter * pixel_size / DIAMETER
    fourier_crop(image, *(round(side * factor) for side in image.shape))
    return now()[0] - start[0], now()[1] - start[1]


def now() -> tuple[float, float]:
    """Seconds on the clock, and of CPU time that this process has used."""
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main()
