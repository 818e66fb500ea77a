# SPDX-License-Identifier: GPL-3.0-or-later
"""RELION's 2-D classes of a contaminated set before and after ranking, beside the truth.

    OMP_NUM_THREADS=1 python benchmarks/rank_classes.py --maps MAPS --work runs/rank_classes

MAPS holds the atomic models. The set has 60 % good particles of a molecule that no training has
seen; the others are off-centre, broken, on ice, aggregates or carbon, or of nothing. RELION 3.1.3
(Debian: `relion`) classifies all, and what is left once the worst are dropped. A class is good if
at least 80 % of its particles are: a user would keep it. What is in the folder of the work is not
made again: give another for another model or set.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from particle_images import CLEAN, KINDS, boxes_of
from scoring import run

from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.star import read_star, write_star

SIDE = 48
"""Of the boxes that are classified, px."""
GOOD_CLASS = 0.8
TRUTH = "cryosegmentGood"
"""Column of what is known of each particle."""
RANKED = {
    "all": None,
    "lowest 30 % of the ETS dropped": ["--score", "ets", "--keep", "0.7"],
    "lowest 40 % of the quality dropped": ["--keep", "0.6"],
}


@dataclass(frozen=True)
class ContaminatedSet:
    """Particles in a stack: their list, the diameter in Å, and which are good, by image name."""

    listed: Path
    diameter: float
    good: dict[str, bool]


def main() -> None:
    """Simulate, rank, classify, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="particles")
    parser.add_argument("--molecule", default="5a1a")
    parser.add_argument("--good", type=int, default=300)
    parser.add_argument("--snr", type=float, default=0.02)
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    some = contaminated_set(arguments)
    print("| particles | number | good | in good classes | good ones in good classes |")
    print("|---" * 5 + "|")
    for name, choice in RANKED.items():
        listed = some.listed
        if choice is not None:
            output = arguments.work / "ranked"
            source = ["--particles", str(some.listed), "--model", arguments.model, "--resume"]
            size = ["--diameter", f"{some.diameter:.1f}"]
            run("rank", *source, *size, *choice, "--output", str(output))
            listed = arguments.work / f"{name.replace(' ', '_').replace('%', 'percent')}.star"
            (output / "kept.star").replace(listed)
        print_row(name, listed, some, arguments)


def contaminated_set(arguments: argparse.Namespace) -> ContaminatedSet:
    """The set in the folder of the work, made where it is not there."""
    path = next(arguments.maps.rglob(f"*{arguments.molecule}*"))
    molecule = read_molecule(path, CLEAN.pixel_size)
    listed = arguments.work / "all.star"
    if not listed.exists():
        simulate(listed, molecule, arguments)
    table = read_star(listed)["particles"]
    good = [text == "1" for text in table[TRUTH]]
    truth = dict(zip(table["rlnImageName"], good, strict=True))
    return ContaminatedSet(listed, molecule.diameter, truth)


def simulate(listed: Path, molecule: Molecule, arguments: argparse.Namespace) -> None:
    """Boxes of all kinds in one stack, in random order."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(arguments.seed)
    bad = round(arguments.good / 0.6 * 0.4 / (len(KINDS) - 1))
    images, good = [], []
    for kind, params in KINDS.items():
        count = arguments.good if kind == "good" else bad
        wanted = SimulateParams(**{**vars(params), "snr": arguments.snr})
        for boxes in boxes_of(kind, wanted, molecule, count, random):
            images += list(fourier_crop(boxes.images, SIDE, SIDE).numpy())
            good += [kind == "good"] * len(boxes.images)
            side = boxes.images.shape[-1]
    order = random.permutation(len(images))
    stack = np.stack([images[i] for i in order]).astype(np.float32)
    stack -= stack.mean((1, 2), keepdims=True)
    stack /= stack.std((1, 2), keepdims=True)
    with mrcfile.new(arguments.work / "all.mrcs", overwrite=True) as file:
        file.set_data(stack)
        file.set_image_stack()
    optics = {
        "rlnOpticsGroup": [1],
        "rlnOpticsGroupName": ["one"],
        "rlnImagePixelSize": [CLEAN.pixel_size * side / SIDE],
        "rlnImageSize": [SIDE],
        "rlnImageDimensionality": [2],
        **{"rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]},
    }
    particles = {
        "rlnImageName": [f"{i + 1:06d}@all.mrcs" for i in range(len(stack))],
        "rlnMicrographName": ["all.mrc"] * len(stack),
        "rlnOpticsGroup": [1] * len(stack),
        TRUTH: [int(good[i]) for i in order],
    }
    write_star(listed, {"optics": optics, "particles": particles})


def print_row(
    name: str, listed: Path, some: ContaminatedSet, arguments: argparse.Namespace
) -> None:
    """Classify a list, and count."""
    names, classes = classify(listed, some.diameter, arguments)
    good = np.array([some.good[own] for own in names])
    purity = {number: good[classes == number].mean() for number in np.unique(classes)}
    is_in = np.array([purity[number] >= GOOD_CLASS for number in classes])
    found = (good & is_in).sum() / sum(some.good.values())
    shares = " | ".join(f"{value:.3f}" for value in (good.mean(), is_in.mean(), found))
    print(f"| {name} | {len(names)} | {shares} |", flush=True)


def classify(
    listed: Path, diameter: float, arguments: argparse.Namespace
) -> tuple[list[str], np.ndarray]:
    """Names of the images and their classes, by RELION; those that are there are not made again."""
    folder = listed.with_suffix("")
    folder.mkdir(exist_ok=True)
    data = folder / f"run_it{arguments.iterations:03d}_data.star"
    words = [word for pair in options_of(diameter, arguments) for word in pair if word]
    source = ["--i", listed.name, "--o", f"{folder.name}/run"]
    if not data.exists():
        command = ["relion_refine", *source, *words]
        subprocess.run(command, cwd=arguments.work, check=True, capture_output=True)
    table = read_star(data)["particles"]
    return table["rlnImageName"], np.array(table["rlnClassNumber"], int)


def options_of(diameter: float, arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """RELION's, as its pipeline gives them, without CTF: the boxes are of several micrographs."""
    yield "--K", str(arguments.classes)
    yield "--iter", str(arguments.iterations)
    yield "--particle_diameter", f"{1.1 * diameter:.0f}"
    yield "--random_seed", str(arguments.seed)
    yield from {"--tau2_fudge": "2", "--psi_step": "12", "--offset_range": "3"}.items()
    yield from {"--offset_step": "2", "--oversampling": "1", "--pad": "2", "--pool": "30"}.items()
    yield from {"--flatten_solvent": "", "--norm": "", "--scale": "", "--zero_mask": ""}.items()
    yield from {"--dont_combine_weights_via_disc": "", "--j": "1"}.items()


if __name__ == "__main__":
    main()
