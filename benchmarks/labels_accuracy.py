# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels from reconstructions against the exact masks of simulated micrographs.

    OMP_NUM_THREADS=1 python benchmarks/labels_accuracy.py betaGal.mrc.gz 4hhb.cif.gz --work DIR

Crowded micrographs of each molecule are simulated, and labelled from the poses by every rule for
the body and for the footprint, and by the default rules from poses that are wrong by 3 degrees
about a random axis and by 2 px in a random direction. `all` is the intersection over union of all
instances, pixel by pixel and particle by particle; `touching` that of particles that touch another.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import mrcfile
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from cryosegment.core.labels.refined import RefinedParticles
from cryosegment.core.labels.run import LabelsRun
from cryosegment.core.optics.projection import rotation_matrices
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.params import LabelsReconstructionParams, SimulateParams
from cryosegment.exchange.particles import (
    Particles,
    angles_from_matrices,
    read_particles,
    write_particles,
)

RULES = {
    "default": {},
    "map otsu": {"map_threshold": "otsu"},
    "map li": {"map_threshold": "li"},
    "footprint fixed": {"footprint": "fixed"},
    "footprint li": {"footprint": "li"},
    "footprint yen": {"footprint": "yen"},
    "footprint triangle": {"footprint": "triangle"},
    "footprint otsu": {"footprint": "otsu"},
}


def perturbed(particles: Particles, degrees: float, shift: float) -> Particles:
    """Particles turned by `degrees` about random axes and moved by `shift` Å."""
    random = np.random.default_rng(0)
    axes, moves = random.normal(size=(len(particles), 3)), random.normal(size=(len(particles), 2))
    axes *= np.deg2rad(degrees) / np.linalg.norm(axes, axis=1, keepdims=True)
    moves *= shift / np.linalg.norm(moves, axis=1, keepdims=True)
    matrices = rotation_matrices(torch.from_numpy(particles.angles)).numpy()
    return dataclasses.replace(
        particles,
        angles=angles_from_matrices(Rotation.from_rotvec(axes).as_matrix() @ matrices),
        shifts_yx=particles.shifts_yx + moves,
    )


def overlaps(truth: Path, found: Path) -> tuple[float, float]:
    """Intersection over union of all instances, and of those that touch another."""
    sums = np.zeros((2, 2))
    for path in sorted(truth.iterdir()):
        a, b = mrcfile.read(path).astype(int), mrcfile.read(found / path.name).astype(int)
        count = max(a.max(), b.max()) + 1
        both = np.bincount(a[a == b], minlength=count)
        either = np.bincount(a.ravel(), minlength=count) + np.bincount(b.ravel(), minlength=count)
        areas = np.stack((both, either - both))[:, 1:]
        sums[0] += areas.sum(axis=1)
        sums[1] += areas[:, touching(a, count)[1:]].sum(axis=1)
    return float(sums[0, 0] / sums[0, 1]), float(sums[1, 0] / sums[1, 1])


def touching(instances: np.ndarray, count: int) -> np.ndarray:
    """Which numbers have a neighbour of another number."""
    touches = np.zeros(count, bool)
    for a, b in ((instances[1:], instances[:-1]), (instances[:, 1:], instances[:, :-1])):
        border = (a != b) & (a > 0) & (b > 0)
        touches[a[border]] = touches[b[border]] = True
    return touches


def measure(molecule: str, work: Path, pixel_size: float) -> Iterator[str]:
    """Lines of the table for one molecule."""
    folder = work / Path(molecule).name.split(".")[0]
    params = SimulateParams(
        count=2,
        size=(1536, 1536),
        pixel_size=pixel_size,
        molecule=(molecule,),
        min_distance=0.55,
    )
    write_simulation(folder, params)
    star = folder / "truth" / "coordinates.star"
    volume = next((folder / "truth" / "maps").iterdir())
    wrong = folder / "wrong.star"
    particles = read_particles(star, pixel_size=pixel_size)
    write_particles(wrong, perturbed(particles, 3.0, 2.0 * pixel_size))
    micrographs = {path.stem: path for path in sorted((folder / "micrographs").iterdir())}
    for name, changes in {**RULES, "default, wrong poses": {"particles": str(wrong)}}.items():
        values = {"particles": str(star), "map": str(volume), **changes}
        params = LabelsReconstructionParams(**values)
        run = LabelsRun(RefinedParticles(params, micrographs), params, folder / "labels")
        for micrograph in micrographs:
            run.label(micrograph)
        every, crowded = overlaps(folder / "truth" / "instances", folder / "labels" / "instances")
        yield f"{folder.name:12s}{name:24s}{run.report.labelled:10d}{every:8.4f}{crowded:10.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("molecules", nargs="+", help="maps or atomic models")
    parser.add_argument("--work", type=Path, required=True, help="folder for the simulations")
    parser.add_argument("--pixel-size", type=float, default=1.77, help="Å/px")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("molecule    labels                   particles     all  touching")
    for molecule in options.molecules:
        for line in measure(molecule, options.work, options.pixel_size):
            print(line, flush=True)


if __name__ == "__main__":
    main()
