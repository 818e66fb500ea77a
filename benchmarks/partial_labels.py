# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning on micrographs of which half of the particles are labelled.

    OMP_NUM_THREADS=1 python benchmarks/partial_labels.py --data DATA --work runs/partial_labels

DATA holds `empiar10017/`. The shipped model is fine-tuned on the five micrographs of
`empiar10017.py`, once with all labels and in several ways with a random half of them; the other
nine micrographs, with all their labels, are picked at each model's own threshold. Nobody tells a
training that half is missing. A row that is finished is not computed again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from empiar10017 import LENGTHS, split
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scoring import HEADER, pick, print_row, run

from cryosegment.exchange.coordinates import read_coordinates, write_coordinates

PARTIAL = ["--labels-are", "partial"]
ROWS = {
    "all labels": ("all", []),
    "half, taken for all": ("half", []),
    "half, nnpu": ("half", PARTIAL),
    "half, ge-binomial": ("half", [*PARTIAL, "--partial-loss", "ge-binomial"]),
}


def main() -> None:
    """Label twice, train each row, pick; print the table."""
    arguments = parse_arguments()
    folder, work = arguments.data / "empiar10017", arguments.work
    training, held_out = split(folder)
    half = work / f"half_{arguments.seed}"
    drop_half(folder / "coordinates", half, arguments.seed)
    for name, coordinates in (("all", folder / "coordinates"), ("half", half)):
        source = ["--coordinates", str(coordinates), *LENGTHS, "--pixel-size", str(REAL_PIXEL_SIZE)]
        run("labels", "coordinates", *map(str, training), *source, "--output", str(work / name))
    reference = read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE)
    reference = {path.stem: reference[path.stem] for path in held_out}
    print(HEADER)
    for label, (labels, options) in ROWS.items():
        model = work / f"{label.replace(', ', '_').replace(' ', '_')}.safetensors"
        if not model.exists():
            budget = ["--epochs", arguments.epochs, "--gpu", "cpu", "--resume"]
            start = ["--from", "general", *budget, *options]
            run("train", str(work / labels), "--output", str(model), *start)
        found = pick(
            held_out,
            work / model.stem,
            REAL_PIXEL_SIZE,
            [*LENGTHS, "--model", str(model), "--resume"],
        )
        print_row(label, found, reference, REAL_DIAMETER)


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", default="10")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def drop_half(coordinates: Path, output: Path, seed: int) -> None:
    """Write a random half of the coordinates of each micrograph."""
    output.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for name, found in sorted(read_coordinates(coordinates, REAL_PIXEL_SIZE).items()):
        kept = np.sort(random.permutation(len(found))[: len(found) // 2])
        write_coordinates(output / f"{name}.star", found.select(kept))


if __name__ == "__main__":
    main()
