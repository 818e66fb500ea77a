# SPDX-License-Identifier: GPL-3.0-or-later
"""Grades of micrographs: thumbnails in known classes, real and simulated good ones, and the cost.

    OMP_NUM_THREADS=1 python benchmarks/grades.py --data DATA [--model MODEL]

DATA holds `quality_classes/` and `empiar10017/`. Of each class of thumbnails, the first by name
was looked at when limits were chosen, and the second was held back, but for the two rules that
docs/benchmarks/picking.md names. Particles are dark; their diameter was measured by eye where there
are any, and is a 25th of the width elsewhere.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from PIL import Image
from scoring import summary_of

from cryosegment.cli.main import main as cryosegment
from cryosegment.core.images.crystals import crystalline_share
from cryosegment.core.images.film_edge import beyond_edge
from cryosegment.core.images.ice_texture import ice_texture
from cryosegment.core.models.model import load_model
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.params.network_input import DARK
from cryosegment.exchange.pick_summary import (
    CONTAMINATED,
    CRYSTALLINE,
    EMPTY,
    GOOD,
    NO_ICE,
)

WIDE = 25
DIAMETERS = {"18dec17a_grid3_00105gr": 9.0, "18feb14h": 20.0, "18apr26h": 10.0, "19aug16d": 75.0}
"""Of the particles on thumbnails that have some, px, by the beginning of the name."""
CLASSES = {"0": GOOD, "1": GOOD, "2": CONTAMINATED, "3": NO_ICE, "4": CRYSTALLINE, "5": EMPTY}
"""Grade by the first letter of the class."""
SIMULATED = (
    ("simulated, clean", ("--snr", "0.05")),
    ("simulated, noisy", ("--snr", "0.005")),
    ("simulated, sparse", ("--snr", "0.05", "--particles", "20")),
    ("simulated, edge of a film", ("--snr", "0.05", "--carbon", "1")),
)
SIMULATED_DIAMETER, SIMULATED_PIXEL_SIZE = 180.0, 1.5
SIDE, WORKING = 4096, 546
"""Pixels of a large micrograph, and at working scale with particles of 150 px."""
REPEATS = 9


@dataclass(frozen=True)
class Item:
    """A micrograph and what it should be."""

    path: Path
    row: str
    expected: str
    params: PickParams


def main() -> None:
    """Print the grades of thumbnails, the number of good ones among the others, and the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    model = load_model(arguments.model, "cpu")
    print("| thumbnail | half | class | grade | quality |\n|---|---|---|---|---|")
    for item in thumbnails(arguments.data / "quality_classes"):
        found = summary_of(item.path, item.params, model)
        name = item.path.stem.split("_")[0]
        row = f"{name} | {item.row} | {item.expected} | {found.grade} | {found.quality:.2f}"
        print(f"| {row} |", flush=True)
    print("\n| micrographs | good | lowest quality |\n|---|---|---|")
    with TemporaryDirectory() as folder:
        items = [*real(arguments.data / "empiar10017"), *simulated(Path(folder))]
        for row in dict.fromkeys(item.row for item in items):
            found = [summary_of(item.path, item.params, model) for item in items if item.row == row]
            good = sum(summary.grade == GOOD for summary in found)
            lowest = min(summary.quality for summary in found)
            print(f"| {row} | {good} of {len(found)} | {lowest:.2f} |", flush=True)
    print_cost()


def thumbnails(folder: Path) -> Iterator[Item]:
    """The thumbnails, the first of each class and then the second."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    for row, number in (("chosen on", 0), ("held back", 1)):
        for kind in classes:
            path = sorted(kind.glob("*.png"))[number]
            known = [d for name, d in DIAMETERS.items() if path.stem.startswith(name)]
            diameter = known[0] if known else min(Image.open(path).size) / WIDE
            params = PickParams(diameter=diameter, pixel_size=1.0, contrast=DARK)
            yield Item(path, row, CLASSES[kind.name[0]], params)


def real(folder: Path) -> Iterator[Item]:
    """Micrographs of beta-galactosidase, all of them good."""
    params = PickParams(diameter=REAL_DIAMETER, pixel_size=REAL_PIXEL_SIZE)
    for path in sorted((folder / "micrographs").iterdir()):
        yield Item(path, "EMPIAR-10017", GOOD, params)


def simulated(folder: Path) -> Iterator[Item]:
    """Simulated micrographs, all of them good."""
    params = PickParams(diameter=SIMULATED_DIAMETER, pixel_size=SIMULATED_PIXEL_SIZE)
    size = ["--size", "2048", "2048", "--pixel-size", str(SIMULATED_PIXEL_SIZE), "--count", "3"]
    for seed, (row, options) in enumerate(SIMULATED):
        output = folder / str(seed)
        cryosegment(["simulate", "--output", str(output), *size, "--seed", str(seed), *options])
        for path in sorted((output / "micrographs").iterdir()):
            yield Item(path, row, GOOD, params)


def print_cost() -> None:
    """Print the processor time of what grading adds to picking, of noise."""
    large, small = torch.randn(SIDE, SIDE), torch.randn(WORKING, WORKING)
    steps: dict[str, Callable[[], object]] = {
        "spots": lambda: crystalline_share(large, 1.0),
        "texture": lambda: ice_texture(small, 20.0),
        "edge": lambda: beyond_edge(small.numpy()),
    }
    times = {name: seconds(step) for name, step in steps.items()}
    text = ", ".join(f"{name} {value:.3f} s" for name, value in times.items())
    print(f"\n{SIDE} x {SIDE} px: {text}; together {sum(times.values()):.3f} s")


def seconds(step: Callable[[], object]) -> float:
    """Median processor time of a step."""
    found = []
    for _ in range(REPEATS):
        begin = time.process_time()
        step()
        found.append(time.process_time() - begin)
    return statistics.median(found)


if __name__ == "__main__":
    main()
