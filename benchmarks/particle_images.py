# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle images of molecules that the shipped model of them has not seen: classes, and quality.

    python benchmarks/particle_images.py --maps MAPS [--model MODEL] [--molecules 1mnf 4cr2]

MAPS holds the atomic models. Micrographs are simulated at full size as `cryosegment simulate` does
(SNR: variance of the noise-free micrograph over that of the noise), and boxes are cut out of them.
The first table has the intersection over union of signal, edge and background, counted over all
pixels at the model's scale; the second how well scores tell good boxes from bad ones in a set of
which 60 % are good. To choose between models, give molecules that they were trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cryosegment.core.particles.extracted import USUAL, USUAL_SNRS, Boxes, extract, picks_of
from cryosegment.core.particles.model import ParticleModel, load_particle_model
from cryosegment.core.particles.overlap import (
    area_under_curve,
    confusion,
    intersection_over_union,
)
from cryosegment.core.particles.scores import score_particles
from cryosegment.core.simulation.fragments import break_molecule
from cryosegment.core.simulation.micrograph import SimulatedMicrograph, simulate_micrograph
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.core.simulation.sample import PIECES, Sample
from cryosegment.exchange.params import SimulateParams

MOLECULES = ("5a1a", "6vyb", "1wcm", "1e6v")
SNRS, MORE_SNRS = USUAL_SNRS, (0.3, 1.0)
"""The mean is over the first; the others show where the curve leads."""
SNR = 0.05
"""Of the set with bad boxes."""
OFF_CENTRE = (0.3, 0.7)
GOOD_TO_BAD = 1.5
"""Good boxes for each bad one: 60 %."""
CLEAN = replace(USUAL, pixel_size=1.06)
"""The pixel size is usual for the data sets of particleSeg, 0.64 to 1.3 Å/px."""
KINDS = {
    "good": CLEAN,
    "off-centre": CLEAN,
    "broken": replace(CLEAN, junk=1.0),
    "ice": replace(CLEAN, ice_blobs=14),
    "aggregate": replace(CLEAN, aggregates=4),
    "empty": replace(CLEAN, particles=3),
    "carbon": replace(CLEAN, carbon=1.0),
}
"""What is simulated for each kind of box."""
BAD = tuple(KINDS)[1:]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--model", default="particles")
    parser.add_argument("--molecules", nargs="+", default=MOLECULES)
    parser.add_argument("--boxes", type=int, default=15, help="of a bad kind and molecule")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_particle_model(arguments.model, "cpu")
    molecules = [
        read_molecule(next(arguments.maps.rglob(f"*{name}*")), CLEAN.pixel_size)
        for name in arguments.molecules
    ]
    print_classes(model, molecules, arguments.seed)
    print_quality(model, molecules, arguments.boxes, arguments.seed)


def print_classes(model: ParticleModel, molecules: list[Molecule], seed: int) -> None:
    """Intersection over union by molecule and SNR."""
    print("| molecule | SNR | boxes | signal | edge | background | mean |\n" + "|---" * 7 + "|")
    every = torch.zeros(3, 3, dtype=torch.long)
    for snr in (*SNRS, *MORE_SNRS):
        together = torch.zeros(3, 3, dtype=torch.long)
        for number, molecule in enumerate(molecules):
            random = np.random.default_rng((seed, number))
            generator = torch.Generator().manual_seed(seed + number)
            found = simulate_micrograph(replace(CLEAN, snr=snr), molecule, generator)
            boxes = extract(found, picks_of(found, random))
            counts = count_classes(model, boxes)
            together += counts
            print_row(f"{molecule.name} | {snr} | {len(boxes.images)}", counts)
        every += together if snr in SNRS else 0
        print_row(f"all | {snr} |", together)
    print_row(f"all | {SNRS[0]} to {SNRS[-1]} |", every)


def print_row(title: str, counts: Tensor) -> None:
    """Intersection over union of each class, and their mean."""
    each = intersection_over_union(counts)
    print(f"| {title} | " + " | ".join(f"{iou:.3f}" for iou in (*each, each.mean())) + " |")


def count_classes(model: ParticleModel, boxes: Boxes) -> Tensor:
    """Confusion matrix of the pixels of some boxes."""
    maps = model.predict(boxes.images, CLEAN.pixel_size, boxes.diameter)
    shape = (maps.probabilities.shape[-2], maps.probabilities.shape[-1])
    return confusion(maps.probabilities.argmax(1), boxes.classes(shape))


def print_quality(model: ParticleModel, molecules: list[Molecule], boxes: int, seed: int) -> None:
    """How well scores tell good boxes from bad ones."""
    kinds: list[str] = []
    found: dict[str, list[np.ndarray]] = {}
    for kind, params in KINDS.items():
        for number, molecule in enumerate(molecules):
            count = boxes if kind != "good" else round(boxes * len(BAD) * GOOD_TO_BAD)
            random = np.random.default_rng((seed, number))
            for part in boxes_of(kind, replace(params, snr=SNR), molecule, count, random):
                for name, values in scores_of(model, part).items():
                    found.setdefault(name, []).append(values)
                kinds += [kind] * len(part.images)
    names = np.array(kinds)
    good = names == "good"
    print(f"\n{good.sum()} good boxes and {(~good).sum()} bad ones\n")
    print("| score | ROC AUC | good ones among the best 60 % | " + " | ".join(BAD) + " |")
    print("|---" * (3 + len(BAD)) + "|")
    for name, parts in found.items():
        print_score(name, np.concatenate(parts), names)


def print_score(name: str, scores: np.ndarray, kinds: np.ndarray) -> None:
    """A row: areas under the curve, also against each kind of bad boxes."""
    good = kinds == "good"

    def area(chosen: np.ndarray) -> float:
        return area_under_curve(torch.from_numpy(scores[chosen]), torch.from_numpy(good[chosen]))

    kept = np.argsort(-scores, kind="stable")[: round(good.mean() * len(scores))]
    share = good[kept].sum() / good.sum()
    each = [area(good | (kinds == kind)) for kind in BAD]
    cells = " | ".join(f"{value:.3f}" for value in (area(np.ones_like(good)), share, *each))
    print(f"| {name} | {cells} |")


def scores_of(model: ParticleModel, boxes: Boxes) -> dict[str, np.ndarray]:
    """Scores that are compared, higher for better boxes."""
    maps = model.predict(boxes.images, CLEAN.pixel_size, boxes.diameter)
    scores = score_particles(maps, boxes.diameter)
    assert maps.quality is not None
    return {
        "quality": maps.quality.double().numpy(),
        "ETS": scores.ets,
        "variance": boxes.images.double().var((1, 2)).numpy(),
        "minus variance": -boxes.images.double().var((1, 2)).numpy(),
    }


def boxes_of(
    kind: str, params: SimulateParams, molecule: Molecule, count: int, random: np.random.Generator
) -> Iterator[Boxes]:
    """Boxes of a kind from as many micrographs as it takes."""
    while count > 0:
        generator = torch.Generator().manual_seed(int(random.integers(2**31)))
        pieces = [break_molecule(molecule, generator) for _ in range(PIECES)] if params.junk else []
        sample = Sample((molecule,), fragments=tuple(pieces))
        found = simulate_micrograph(params, sample, generator)
        boxes = extract(found, PLACES[kind](found, random)[:count])
        if len(boxes.images):
            yield boxes
        count -= max(1, len(boxes.images))


def beside(found: SimulatedMicrograph, random: np.random.Generator) -> np.ndarray:
    """Picks that lie beside a particle, none on another."""
    centers = random.permutation(found.centers_yx.numpy().astype(float))
    angles = random.uniform(0, 2 * np.pi, len(centers))
    away = random.uniform(*OFF_CENTRE, len(centers)) * found.diameter / found.pixel_size
    moved = centers + away[:, None] * np.stack((np.sin(angles), np.cos(angles)), 1)
    return far_from(moved, found, OFF_CENTRE[0])


def on_dirt(found: SimulatedMicrograph, random: np.random.Generator) -> np.ndarray:
    """Picks on contamination."""
    places = random.permutation(np.argwhere(found.classes.numpy() == 2)).astype(float)
    return spread(far_from(places[:400], found, OFF_CENTRE[0]), found)


def anywhere(found: SimulatedMicrograph, random: np.random.Generator) -> np.ndarray:
    """Picks far from all particles."""
    places = random.uniform(0, found.image.shape[0] - 1, (400, 2))
    return spread(far_from(places, found, 1.0), found)


def far_from(places: np.ndarray, found: SimulatedMicrograph, diameters: float) -> np.ndarray:
    """Places that are far from the centre of every particle."""
    centers = found.centers_yx.numpy().astype(float)
    away = np.hypot(*(places[:, None] - centers).transpose(2, 0, 1))
    nearest = away.min(1, initial=np.inf)
    return places[nearest >= diameters * found.diameter / found.pixel_size]


def spread(places: np.ndarray, found: SimulatedMicrograph) -> np.ndarray:
    """Places that are half a diameter apart."""
    kept = np.empty((0, 2))
    for place in places:
        if np.hypot(*(kept - place).T).min(initial=np.inf) > found.diameter / found.pixel_size / 2:
            kept = np.vstack((kept, place))
    return kept


PLACES: dict[str, Callable[[SimulatedMicrograph, np.random.Generator], np.ndarray]] = {
    "good": picks_of,
    "off-centre": beside,
    "broken": on_dirt,
    "ice": on_dirt,
    "aggregate": on_dirt,
    "empty": anywhere,
    "carbon": on_dirt,
}


if __name__ == "__main__":
    main()
