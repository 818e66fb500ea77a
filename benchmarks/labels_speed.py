# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of footprints beside `relion_project`, and of whole label maps, on one core, in one run.

    OMP_NUM_THREADS=1 python benchmarks/labels_speed.py --map betaGal.mrc.gz

Both read the same map and the same STAR file of random poses with shifts. RELION writes its
projections, which labels would still have to be shifted, cut and pasted from; ours are footprints
at their sub-pixel place. First in the map's own box, then in the box that has the pixels of a
micrograph (half the map's voxels). Everything is counted: start, reading, setting up.

`overlap` is the intersection over union of footprints with the exact silhouettes, `rate` particles
a second of processor time (user and system; the best of `--repeats` runs that alternate), `wall`
the same of wall time, and `ratio` that of the processor rates.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import torch
from scipy import ndimage

from cryosegment.core.images.volume import read_volume
from cryosegment.core.labels.body import Body, body_from_map
from cryosegment.core.labels.canvas import ClassRules
from cryosegment.core.labels.footprints import Footprints
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.core.optics.projection import rotation_matrices, silhouettes
from cryosegment.exchange.particles import read_particles
from cryosegment.exchange.star import write_star

RULES = ClassRules(edge_px=5.0, ring_px=3.0)
MICROGRAPH = 4096
PER_MICROGRAPH = 650


def write_poses(path: Path, count: int, pixel_size: float, box: int) -> None:
    """Random orientations and shifts of particles all over micrographs."""
    random = np.random.default_rng(0)
    angles = random.uniform(-180, 180, (2, count))
    tilt = np.rad2deg(np.arccos(random.uniform(-1, 1, count)))
    places = random.uniform(0, MICROGRAPH - 1, (2, count))
    shifts = random.normal(0, 5, (2, count))
    optics = {
        "rlnOpticsGroup": [1],
        "rlnOpticsGroupName": ["o"],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        "rlnImagePixelSize": [pixel_size],
        "rlnImageSize": [box],
        "rlnImageDimensionality": [2],
    }
    particles = {
        "rlnImageName": [f"{i + 1:06d}@x.mrcs" for i in range(count)],
        "rlnMicrographName": [f"m{i // PER_MICROGRAPH}.mrc" for i in range(count)],
        "rlnCoordinateX": places[0].tolist(),
        "rlnCoordinateY": places[1].tolist(),
        "rlnAngleRot": angles[0].tolist(),
        "rlnAngleTilt": tilt.tolist(),
        "rlnAnglePsi": angles[1].tolist(),
        "rlnOriginXAngst": shifts[0].tolist(),
        "rlnOriginYAngst": shifts[1].tolist(),
        "rlnOpticsGroup": [1] * count,
    }
    write_star(path, {"optics": optics, "particles": particles})


def write_map(path: Path, volume: np.ndarray, voxel_size: float) -> None:
    """Write a volume as MRC."""
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(volume.astype(np.float32))
        file.voxel_size = voxel_size
        file.set_volume()


def project(folder: Path, voxel_size: float) -> None:
    """RELION's projections of `map.mrc` for `poses.star`."""
    command = ["relion_project", "--i", "map.mrc", "--ang", "poses.star", "--o", "out"]
    command += ["--angpix", str(voxel_size)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def draw(folder: Path, voxel_size: float) -> None:
    """Our footprints of `map.mrc` for `poses.star`."""
    volume, _ = read_volume(folder / "map.mrc")
    drawer = Footprints(body_from_map(volume, voxel_size), voxel_size)
    particles = read_particles(folder / "poses.star")
    centers_yx = particles.refined_centers_yx(voxel_size)
    rotations = rotation_matrices(torch.from_numpy(particles.angles))
    for footprint in drawer.draw(rotations, centers_yx % 1):
        assert footprint.shape == (drawer.size, drawer.size)


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Processor time of a run, its child processes' included, and wall time."""

    def used() -> float:
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    before, start = used(), time.perf_counter()
    run()
    return used() - before, time.perf_counter() - start


def overlap(body: Body, pixel_size: float, count: int = 100) -> float:
    """Mean overlap of footprints with exact silhouettes."""
    drawer = Footprints(body, pixel_size)
    support = body.at_voxel_size(pixel_size).support
    support = np.pad(support, (drawer.size - support.shape[0]) // 2)
    angles = torch.from_numpy(np.random.default_rng(1).uniform(-180, 180, (count, 3)))
    rotations = rotation_matrices(angles.float())
    exact = silhouettes(torch.from_numpy(support), rotations).numpy()
    found = np.stack(list(drawer.draw(rotations, np.zeros((count, 2)))))
    both = (found & exact).sum(axis=(1, 2))
    return float(np.mean(both / (found | exact).sum(axis=(1, 2))))


def compare(folder: Path, count: int, voxel_size: float, repeats: int) -> str:
    """One line of the table."""
    volume, _ = read_volume(folder / "map.mrc")
    box = volume.shape[0]
    write_poses(folder / "poses.star", count, voxel_size, box)
    draw(folder, voxel_size)  # imports and first calls
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(seconds(lambda: project(folder, voxel_size)))
        ours.append(seconds(lambda: draw(folder, voxel_size)))
    (their_cpu, their_wall), (our_cpu, our_wall) = (map(min, zip(*t)) for t in (theirs, ours))
    agreement = overlap(body_from_map(volume, voxel_size), voxel_size)
    return (
        f"{box:4d}{voxel_size:8.2f}{count:8d}{count / their_cpu:14.0f}{count / their_wall:8.0f}"
        f"{count / our_cpu:12.0f}{count / our_wall:8.0f}{their_cpu / our_cpu:8.1f}{agreement:10.4f}"
    )


def label_all(body: Body, count: int, pixel_size: float, folder: Path) -> None:
    """Label maps of all particles, without writing them."""
    write_poses(folder / "all.star", count, 2 * pixel_size, 100)
    labeller = Labeller(body, LabelRules())
    particles = read_particles(folder / "all.star")
    names = np.array(particles.micrographs)
    shape = (MICROGRAPH, MICROGRAPH)
    for name in sorted(set(particles.micrographs)):
        found = labeller.screen(shape, pixel_size, particles.select(names == name))
        labeller.paint(shape, pixel_size, found).classes(RULES)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--map", type=Path, required=True, help="density map (MRC)")
    parser.add_argument("--count", type=int, default=13_000, help="particles projected")
    parser.add_argument("--particles", type=int, default=13_000, help="particles labelled")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    volume, voxel_size = read_volume(options.map)
    print(" box Å/voxel   count  RELION rate    wall   ours rate    wall   ratio   overlap")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_map(folder / "map.mrc", volume, voxel_size)
        print(compare(folder, options.count, voxel_size, options.repeats), flush=True)
        write_map(folder / "map.mrc", ndimage.zoom(volume, 2, order=1), voxel_size / 2)
        print(compare(folder, options.count // 2, voxel_size / 2, options.repeats), flush=True)
        body = body_from_map(volume, voxel_size)
        cpu, wall = seconds(lambda: label_all(body, options.particles, voxel_size / 2, folder))
    print(
        f"label maps of {options.particles} particles on {MICROGRAPH} x {MICROGRAPH} px, "
        f"{PER_MICROGRAPH} on each: {cpu:.1f} s of processor time, {wall:.1f} s"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_gb = peak / (2**30 if sys.platform == "darwin" else 2**20)
    print(f"peak memory: {peak_gb:.2f} GB")


if __name__ == "__main__":
    main()
