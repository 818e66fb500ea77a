# SPDX-License-Identifier: GPL-3.0-or-later
"""Refined particles, good ones, wrongly aligned ones and junk: how well scores tell them apart.

    python benchmarks/rank_poses.py --maps MAPS

MAPS holds the atomic models. A refinement gives a pose to every box: good ones have nearly the true
one, off by ERRORS; the others have, of many random poses, the one that agrees best with the map at
the resolutions that align, from LOWEST to ALIGNED_TO. Boxes are off by 5 % of the diameter along
each axis; the shifts of good and of wrongly aligned ones make up for it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from particle_images import BAD, CLEAN, KINDS, PLACES, scores_of

from cryosegment.core.images.volume import coarsened
from cryosegment.core.optics.projection import random_angles
from cryosegment.core.particles.agreement import Agreement, Band
from cryosegment.core.particles.extracted import JITTER, Boxes, extract
from cryosegment.core.particles.model import ParticleModel, load_particle_model
from cryosegment.core.particles.overlap import area_under_curve
from cryosegment.core.particles.right_poses import right_poses
from cryosegment.core.simulation.fragments import break_molecule
from cryosegment.core.simulation.micrograph import SimulatedMicrograph, simulate_micrograph
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.core.simulation.sample import PIECES, Sample
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.particles import Poses

MOLECULE = "1wcm"
"""Without symmetry, so that there is one true pose."""
SNRS = (0.02, 0.05)
ALIGNED_TO = 12.0
"""Finest resolution that aligns, Å; the coarsest is LOWEST."""
LOWEST = 200.0
TRIED = 60
"""Random poses of each box that has no true one."""
ERRORS = (1.5, 1.0)
"""Standard deviations of good poses along each axis, degrees and Å."""
GOOD, WRONG = "good", "wrong pose"
GOOD_TO_JUNK = 3
"""Good boxes for each of a kind of junk; as many are wrongly aligned."""


@dataclass(frozen=True)
class Refined:
    """Boxes of one kind with their poses."""

    kind: str
    boxes: Boxes
    poses: Poses


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--model", default="particles")
    parser.add_argument("--boxes", type=int, default=12, help="of each kind of junk")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_particle_model(arguments.model, "cpu")
    path = next(arguments.maps.rglob(f"*{MOLECULE}*"))
    molecule = read_molecule(path, CLEAN.pixel_size)
    print("| SNR | score | all | wrong pose | junk |\n" + "|---" * 5 + "|")
    for snr in SNRS:
        random = np.random.default_rng(arguments.seed)
        sets = list(refined_sets(molecule, snr, arguments.boxes, random))
        kinds = np.concatenate([[some.kind] * len(some.boxes.images) for some in sets])
        parts = [scores(model, molecule, some) for some in sets]
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        quality, agreement = found.values()
        print_rows(snr, {**found, "quality with the map": quality * right_poses(agreement)}, kinds)
        numbers = (kinds == GOOD).sum(), (kinds == WRONG).sum(), np.isin(kinds, BAD).sum()
        print(f"SNR {snr}: good, wrong pose, junk: {numbers}", file=sys.stderr)


@cache
def coarse_map(molecule: Molecule, finest: float) -> tuple[np.ndarray, float]:
    """The map of a molecule down to a resolution, and its voxel size, Å."""
    return coarsened(molecule.density.numpy(), molecule.pixel_size, finest)


def refined_sets(
    molecule: Molecule, snr: float, count: int, random: np.random.Generator
) -> Iterator[Refined]:
    """Good boxes twice, with true and with wrong poses, and junk."""
    for kind, params in KINDS.items():
        wanted = GOOD_TO_JUNK * count if kind == GOOD else count
        while wanted > 0:
            found = micrograph(replace(params, snr=snr), molecule, random)
            if kind == GOOD:
                boxes, poses = with_poses(found, random)
                yield Refined(kind, boxes, poses)
                yield Refined(WRONG, boxes, aligned(molecule, boxes, poses, random))
            else:
                boxes = extract(found, PLACES[kind](found, random)[:wanted])
                count_here = len(boxes.images)
                nowhere = np.zeros((count_here, 3)), np.zeros((count_here, 2))
                poses = Poses(*nowhere, ctfs_of(found, count_here))
                if count_here:
                    yield Refined(kind, boxes, aligned(molecule, boxes, poses, random))
            wanted -= max(1, len(boxes.images))


def micrograph(
    params: SimulateParams, molecule: Molecule, random: np.random.Generator
) -> SimulatedMicrograph:
    """A micrograph of a kind."""
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    pieces = [break_molecule(molecule, generator) for _ in range(PIECES)] if params.junk else []
    return simulate_micrograph(params, Sample((molecule,), fragments=tuple(pieces)), generator)


def with_poses(found: SimulatedMicrograph, random: np.random.Generator) -> tuple[Boxes, Poses]:
    """Boxes of particles, and what a good refinement finds of them."""
    centers = found.centers_yx.numpy().astype(float)
    off = random.normal(0, JITTER * found.diameter / found.pixel_size, centers.shape)
    places = np.round(centers + off)
    single = [extract(found, place[None]) for place in places]
    inside = np.array([len(box.images) for box in single]) > 0
    boxes = extract(found, places)
    shifts = (places - centers)[inside] * found.pixel_size
    angles = found.angles.numpy()[inside]
    poses = Poses(
        angles + random.normal(0, ERRORS[0], angles.shape),
        shifts + random.normal(0, ERRORS[1], shifts.shape),
        ctfs_of(found, len(shifts)),
    )
    return boxes, poses


def ctfs_of(found: SimulatedMicrograph, count: int) -> np.ndarray:
    """The CTF of a micrograph for each of its boxes."""
    values = [getattr(found.ctf, field.name) for field in fields(CtfEstimate)]
    return np.tile(values, (count, 1))


def aligned(molecule: Molecule, boxes: Boxes, poses: Poses, random: np.random.Generator) -> Poses:
    """The same with other angles: of many random ones, the best at the resolutions that align."""
    count = len(boxes.images)
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    tried = random_angles(TRIED * count, generator).numpy().reshape(TRIED, count, 3)
    band = Band(LOWEST, ALIGNED_TO)
    found = [agreements(molecule, boxes, replace(poses, angles=own), band) for own in tried]
    return replace(poses, angles=tried[np.argmax(found, axis=0), np.arange(count)])


def agreements(molecule: Molecule, boxes: Boxes, poses: Poses, band: Band) -> np.ndarray:
    """Agreement of some boxes with the map of their molecule."""
    volume, voxel = coarse_map(molecule, band.finest)
    own = Agreement(torch.from_numpy(volume), voxel, poses, molecule.diameter, band)
    return own.of(boxes.images.numpy(), boxes.pixel_size, np.arange(len(boxes.images)))


def scores(model: ParticleModel, molecule: Molecule, some: Refined) -> dict[str, np.ndarray]:
    """The quality by the image, and the agreement with the map."""
    return {
        "quality of the image": scores_of(model, some.boxes)["quality"],
        "agreement": agreements(molecule, some.boxes, some.poses, Band.beyond(ALIGNED_TO)),
    }


def print_rows(snr: float, found: dict[str, np.ndarray], kinds: np.ndarray) -> None:
    """A row for each score: areas under the curve against all, wrong poses, and junk."""
    good = kinds == GOOD

    def area(values: np.ndarray, chosen: np.ndarray) -> str:
        truth = torch.from_numpy(good[chosen])
        return f"{area_under_curve(torch.from_numpy(values[chosen]), truth):.3f}"

    against = (~good, kinds == WRONG, np.isin(kinds, BAD))
    for name, values in found.items():
        cells = " | ".join(area(values, good | bad) for bad in against)
        print(f"| {snr} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
