# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of unseen micrographs after training on sixteen: coloured noise, SNR 0.05, carbon.

    python benchmarks/unseen_pixels.py --molecule 5a1a.cif.gz --work runs/unseen_pixels

The setting in which CRISP (arXiv 2502.08287) reports more than 0.90 of accuracy, precision, recall,
intersection over union and F1: 150 particles a micrograph of 4096 x 4096 px at 1.77 Å/px, here with
coloured noise, ice and carbon as well. Sixteen micrographs with their exact masks train (two of
them validate), eight others are segmented; the figures count their pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scoring import count_masks, run

from cryosegment.exchange.labels import LabelEntry, read_labels_index, write_labels_index

PIXEL_SIZE = 1.77
SIMULATION = "--count 24 --size 4096 4096 --snr 0.05 --carbon 0.3 --particles 150 --seed 21"
TRAINING = 16
CRFS = ("none", "combined")
HEADER = "| CRF | accuracy | precision | recall | IoU | F1 |\n" + "|---" * 6 + "|"


def main() -> None:
    """Simulate, train, pick; print a row for each CRF."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecule", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--options", default="", help="of cryosegment train")
    parser.add_argument("--name", default="model", help="of the model that is trained")
    arguments = parser.parse_args()
    simulation, model = arguments.work / "sim", arguments.work / f"{arguments.name}.safetensors"
    truth = simulation / "truth"
    if not (truth / "labels.json").exists():
        own = ["--molecule", str(arguments.molecule), "--pixel-size", str(PIXEL_SIZE)]
        run("simulate", *SIMULATION.split(), *own, "--output", str(simulation))
    index = read_labels_index(truth)
    if not model.exists():
        labels = truth.parent / "training"
        labels.mkdir(exist_ok=True)
        write_labels_index(labels, replace(index, entries=index.entries[:TRAINING]))
        run("train", str(labels), "--output", str(model), *arguments.options.split())
    print(HEADER)
    for crf in CRFS:
        score(crf, model, index.entries[TRAINING:], arguments.work / f"{model.stem}_{crf}")


def score(crf: str, model: Path, entries: Sequence[LabelEntry], output: Path) -> None:
    """One line of the table."""
    size = ["--diameter", f"{entries[0].diameter:.1f}", "--pixel-size", str(PIXEL_SIZE)]
    files = [str(entry.micrograph) for entry in entries]
    options = [*size, "--model", str(model), "--crf", crf, "--edge", "0"]
    options += ["--masks", "--mask-scale", "micrograph"]
    run("pick", *files, *options, "--output", str(output))
    counts = count_masks(entries, output)
    figures = (counts.accuracy, counts.precision, counts.recall, counts.iou, counts.f1)
    print(f"| {crf} | " + " | ".join(f"{value:.3f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
