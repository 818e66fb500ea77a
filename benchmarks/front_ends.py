# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends: few-shot training from scratch with each, on simulated micrographs.

    python benchmarks/front_ends.py --molecule 5a1a.cif.gz --work runs/front_ends [--snr 0.01]

Micrographs with CTF, coloured noise and ice are simulated; a network is trained on four of them
with each front end for the same number of steps, and picks the others: F1 at 0.25 diameter at each
model's own threshold, best F1 over all thresholds, intersection over union of all particle pixels
with the exact masks, and CPU-seconds that the front end takes of a micrograph of 4096 x 4096 px.
The last row has CryoSegNet's denoising at the micrographs' own scale.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mrcfile
import torch
from scoring import pick, run

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.images.cryosegnet import denoise_cryosegnet
from cryosegment.core.images.micrograph import Micrograph, read_micrograph, write_image
from cryosegment.core.images.working import working_image
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.labels import (
    LabelEntry,
    LabelsIndex,
    read_labels_index,
    write_labels_index,
)
from cryosegment.exchange.params import DARK, FRONT_ENDS, WITH_CTF, FrontEndParams, InputParams

PIXEL_SIZE = 1.77
SIMULATION = "--count 10 --size 2048 2048 --coverage 0.3 --ice-blobs 2 --seed 31"
TRAINING = 4
STEPS = "--epochs 8 --patch 128 --gpu cpu"
FULL_SCALE = "cryosegnet at full scale"
HEADER = "| front end | P | R | F1 | best F1 | pixel IoU | s per 4096² |\n" + "|---" * 7 + "|"


@dataclass(frozen=True)
class Scene:
    """Simulated micrographs with their truth, and where results go."""

    work: Path
    truth: Path
    index: LabelsIndex

    def ctf(self) -> Path:
        """STAR file of the CTFs."""
        return self.truth / "coordinates.star"


def main() -> None:
    """Simulate; print a row for each front end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecule", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--snr", default="0.01")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    truth = arguments.work / "sim" / "truth"
    if not (truth / "labels.json").exists():
        own = ["--molecule", str(arguments.molecule), "--pixel-size", str(PIXEL_SIZE)]
        options = [*SIMULATION.split(), *own, "--snr", arguments.snr]
        run("simulate", *options, "--output", str(truth.parent))
    scene = Scene(arguments.work, truth, read_labels_index(truth))
    print(HEADER)
    for name in FRONT_ENDS:
        score(name, name, scene, scene.index.entries)
    score(FULL_SCALE, "none", scene, denoised(scene))


def denoised(scene: Scene) -> list[LabelEntry]:
    """The micrographs denoised at their own scale."""
    entries = []
    for entry in scene.index.entries:
        path = scene.work / "denoised" / entry.micrograph.name
        if not path.exists():
            image = denoise_cryosegnet(read_micrograph(entry.micrograph, entry.pixel_size).image)
            write_image(path, image, entry.pixel_size)
        entries.append(replace(entry, micrograph=path))
    return entries


def score(label: str, front_end: str, scene: Scene, entries: Sequence[LabelEntry]) -> None:
    """Train, pick, print a line of the table."""
    folder = scene.work / label.replace(" ", "_")
    model = folder / "model.safetensors"
    ctf = ["--ctf", str(scene.ctf())] if front_end in WITH_CTF else []
    if not model.exists():
        write_labels_index(folder, replace(scene.index, entries=tuple(entries[:TRAINING])))
        options = [*STEPS.split(), "--front-end", front_end, *ctf]
        run("train", str(folder), "--output", str(model), *options)
    held_out = entries[TRAINING:]
    diameter = held_out[0].diameter
    options = ["--diameter", str(diameter), "--model", str(model), "--masks", "--gpu", "cpu", *ctf]
    options += ["--mask-scale", "micrograph"]
    files = [entry.micrograph for entry in held_out]
    found = pick(files, folder / "picks", PIXEL_SIZE, options)
    reference = read_coordinates(scene.truth / "coordinates", PIXEL_SIZE)
    reference = {entry.name: reference[entry.name] for entry in held_out}
    total = evaluate(found.chosen, reference, diameter).overall
    best = evaluate(found.candidates, reference, diameter).overall.best_f1
    figures = (total.precision, total.recall, total.f1, best)
    cells = " | ".join(
        f"{value:.3f}" for value in (*figures, pixel_iou(folder / "picks", held_out))
    )
    print(f"| {label} | {cells} | {seconds(label, scene):.2f} |", flush=True)


def pixel_iou(picks: Path, entries: Sequence[LabelEntry]) -> float:
    """Overlap of the picks' masks with the exact ones, over all pixels."""
    counts = PixelCounts()
    for entry in entries:
        files = (picks / "instances" / f"{entry.name}.mrc", entry.instances)
        found, exact = (torch.from_numpy(mrcfile.read(file) > 0) for file in files)
        counts = counts + count_pixels(found, exact)
    return counts.iou


def seconds(label: str, scene: Scene) -> float:
    """CPU time of a front end on one core, for a micrograph of 4096 x 4096 px."""
    entry = scene.index.entries[0]
    image = torch.randn(4096, 4096, generator=torch.Generator().manual_seed(0))
    micrograph = Micrograph(image, PIXEL_SIZE, "noise", read_ctfs(scene.ctf())[entry.name])
    start = time.process_time()
    if label == FULL_SCALE:
        denoise_cryosegnet(image)
        return time.process_time() - start
    working_image(
        micrograph, entry.diameter, InputParams(20.0, front_end=FrontEndParams(label)), DARK
    )
    middle = time.process_time()
    working_image(micrograph, entry.diameter, InputParams(20.0), DARK)
    return 2 * middle - start - time.process_time()


if __name__ == "__main__":
    main()
