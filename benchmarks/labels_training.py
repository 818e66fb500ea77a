# SPDX-License-Identifier: GPL-3.0-or-later
"""Training on labels from reconstructions beside training on discs of the same particles.

    python benchmarks/labels_training.py --molecule 2cg9.pdb.gz --work runs/labels_training

Micrographs of a molecule are simulated; four are labelled twice, by footprints of its map at the
true poses and by discs of its diameter, and a network is trained from scratch on each for the same
number of epochs. The others are picked, at each model's own threshold: particle F1 of centres (0.25
diameter); particle F1 of masks, where one is right that overlaps an exact one by half (intersection
over union); intersection over union of all particle pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mrcfile
import numpy as np
import torch
from scoring import HEADER, pick, print_row, run
from skimage.metrics import contingency_table

from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import read_labels_index

PIXEL_SIZE = 1.77
SIMULATION = "--size 2048 2048 --ice-blobs 2 --seed 11"
SPARSE = "--count 8 --coverage 0.3"
CROWDED = "--count 16 --coverage 0.6 --min-distance 0.6"
TRAINING = 4
HALF = 0.5


def main() -> None:
    """Simulate, label twice, train twice, pick twice; print the table."""
    arguments = parse_arguments()
    simulation = arguments.work / "simulation"
    pixel_size = ["--pixel-size", str(PIXEL_SIZE)]
    if not (simulation / "truth/labels.json").exists():
        own = ["--molecule", str(arguments.molecule), "--snr", arguments.snr]
        density = CROWDED if arguments.crowded else SPARSE
        options = [*SIMULATION.split(), *density.split(), *own, *pixel_size]
        run("simulate", *options, "--output", str(simulation))
    diameter = read_labels_index(simulation / "truth").entries[0].diameter
    micrographs = sorted((simulation / "micrographs").glob("*.mrc"))
    training, held_out = micrographs[:TRAINING], micrographs[TRAINING:]
    truth = simulation / "truth"
    size = ["--diameter", str(diameter), *pixel_size]
    sources = {
        "coordinates": ["--coordinates", str(truth / "coordinates"), *size],
        "reconstruction": reconstruction(truth, pixel_size),
    }
    reference = read_coordinates(truth / "coordinates", PIXEL_SIZE)
    reference = {path.stem: reference[path.stem] for path in held_out}
    print(HEADER)
    for source, options in sources.items():
        labels, model = arguments.work / source, arguments.work / f"{source}.safetensors"
        run("labels", source, *map(str, training), *options, "--output", str(labels))
        run("train", str(labels), "--output", str(model), "--epochs", arguments.epochs)
        output = arguments.work / f"picks_{source}"
        wanted = ["--diameter", str(diameter), "--model", str(model), "--masks"]
        wanted += ["--mask-scale", "micrograph"]
        found = pick(held_out, output, PIXEL_SIZE, wanted)
        print_row(source, found, reference, diameter)
        iou, f1 = pixel_iou(output, truth, held_out), mask_f1(output, truth, held_out)
        print(f"pixel IoU: {iou:.3f}, F1 of masks: {f1:.3f}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Options of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecule", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", default="12")
    parser.add_argument("--snr", default="0.05")
    parser.add_argument("--crowded", action="store_true", help="neighbours touch and overlap")
    return parser.parse_args()


def reconstruction(truth: Path, pixel_size: list[str]) -> list[str]:
    """Options of labels from the true poses and the map that was simulated."""
    (volume,) = (truth / "maps").glob("*.mrc")
    return ["--particles", str(truth / "coordinates.star"), "--map", str(volume), *pixel_size]


def pixel_iou(output: Path, truth: Path, micrographs: list[Path]) -> float:
    """Overlap of the picks' masks with the exact ones, over all pixels."""
    counts = PixelCounts()
    for path in micrographs:
        found, exact = (
            torch.from_numpy(mrcfile.read(folder / "instances" / path.name) > 0)
            for folder in (output, truth)
        )
        counts = counts + count_pixels(found, exact)
    return counts.iou


def mask_f1(output: Path, truth: Path, micrographs: list[Path]) -> float:
    """F1 of the picks' masks: a mask can overlap only one exact one by more than half."""
    right = total = 0
    for path in micrographs:
        found, exact = (
            mrcfile.read(folder / "instances" / path.name).astype(int).ravel()
            for folder in (output, truth)
        )
        shared = contingency_table(exact, found).toarray().T
        areas = shared.sum(1, keepdims=True) + shared.sum(0, keepdims=True) - shared
        right += (shared[1:, 1:] > HALF * areas[1:, 1:]).sum()
        total += len(np.unique(found[found > 0])) + len(np.unique(exact[exact > 0]))
    return 2 * right / max(total, 1)


if __name__ == "__main__":
    main()
