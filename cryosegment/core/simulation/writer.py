# SPDX-License-Identifier: GPL-3.0-or-later
"""Folder of simulated micrographs and their truth, for RELION and `cryosegment train`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import mrcfile
import numpy as np
import torch
from torch import Tensor

from cryosegment.core.simulation.micrograph import SimulatedMicrograph, simulate_micrograph
from cryosegment.core.simulation.sample import Sample, read_sample
from cryosegment.exchange.files import atomic_path, remove_file, write_text
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.labels import (
    FILE_FIELDS,
    LabelEntry,
    LabelsIndex,
    label_entry,
    write_labels_index,
)
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.progress import Progress, no_progress
from cryosegment.exchange.relion import DIAMETER
from cryosegment.exchange.star import read_star, write_star

OPTICS_GROUP = "optics1"


def write_simulation(
    folder: Path,
    params: SimulateParams,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> LabelsIndex:
    """Simulate micrographs into `folder`: `micrographs/` and the labels folder `truth/`.

    `truth/coordinates.star` holds all poses and CTF parameters; micrograph names in it are
    relative to `folder`, and `_rlnClassNumber` counts the species of a mixture from 1, as
    `truth/species.csv` lists them; their maps, about whose centres the poses turn, are in
    `truth/maps/`. Each micrograph depends on the seed and its number alone.

    Parameters
    ----------
    folder
        Output folder; made where missing.
    params
        What to simulate; with `resume`, finished micrographs are kept.
    device
        Name of the torch device.
    progress
        Called after each micrograph.

    Raises
    ------
    ParameterError, InputError
        If the molecule cannot be read or does not fit, or a file cannot be written.
    """
    sample = read_sample(params, device)
    names = [f"simulated_{number:04d}" for number in range(1, params.count + 1)]
    size, shape, diameter = params.pixel_size, params.size, sample.diameter
    files = {name: folder / "micrographs" / f"{name}.mrc" for name in names}
    entries = [
        label_entry(folder / "truth", name, file, size, shape, diameter)
        for name, file in files.items()
    ]
    finished = Finished(folder, params, params.resume)
    for number, entry in enumerate(entries):
        if not (finished.has(entry.name) and entry.coordinates.is_file()):
            generator = torch.Generator(device).manual_seed(_seed(params.seed, number))
            simulated = simulate_micrograph(params, sample, generator)
            with finished.making(entry.name):
                write_micrograph(folder, entry, simulated, sample)
        progress(number + 1, len(entries), entry.name)
    _write_all_coordinates(folder / "truth" / "coordinates.star", entries)
    _write_species(folder / "truth" / "species.csv", sample, params)
    _write_maps(folder / "truth" / "maps", sample)
    if not params.resume:
        _remove_others(entries)
    index = LabelsIndex(tuple(entries), "simulation")
    write_labels_index(folder / "truth", index)
    return index


def write_micrograph(
    folder: Path, entry: LabelEntry, simulated: SimulatedMicrograph, sample: Sample
) -> None:
    """Write one micrograph, its label maps and its poses to the files of its entry."""
    write_image(entry.micrograph, simulated.image, entry.pixel_size)
    write_image(entry.instances, simulated.instances, entry.pixel_size)
    write_image(entry.classes, simulated.classes, entry.pixel_size)
    name = entry.micrograph.relative_to(folder).as_posix()
    particles = _particles(simulated, name)
    if len(sample.molecules) > 1:
        particles[DIAMETER] = [
            sample.molecules[species].diameter for species in simulated.species.tolist()
        ]
    write_star(entry.coordinates, {"optics": _optics(simulated), "particles": particles})


def write_image(path: Path, image: Tensor, pixel_size: float) -> None:
    """Write an image as MRC in the mode of its type: int8, int16 or float32.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with atomic_path(path) as temporary, mrcfile.new(temporary) as file:
        file.set_data(image.cpu().numpy())
        file.voxel_size = pixel_size


def _seed(seed: int, number: int) -> int:
    """A stream of its own for each micrograph, so that their count does not matter."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def _optics(simulated: SimulatedMicrograph) -> dict[str, list[str | float | int]]:
    return {
        "rlnOpticsGroupName": [OPTICS_GROUP],
        "rlnOpticsGroup": [1],
        "rlnMicrographPixelSize": [simulated.pixel_size],
        "rlnMicrographOriginalPixelSize": [simulated.pixel_size],
        "rlnVoltage": [simulated.ctf.voltage],
        "rlnSphericalAberration": [simulated.ctf.spherical_aberration],
        "rlnAmplitudeContrast": [simulated.ctf.amplitude_contrast],
    }


def _particles(simulated: SimulatedMicrograph, name: str) -> dict[str, list[str | float | int]]:
    count = len(simulated.centers_yx)
    rows, columns = simulated.centers_yx.double().T.tolist()
    rot, tilt, psi = simulated.angles.double().T.tolist()
    ctf = simulated.ctf
    return {
        "rlnCoordinateX": columns,
        "rlnCoordinateY": rows,
        "rlnAngleRot": rot,
        "rlnAngleTilt": tilt,
        "rlnAnglePsi": psi,
        "rlnOriginXAngst": [0.0] * count,
        "rlnOriginYAngst": [0.0] * count,
        "rlnMicrographName": [name] * count,
        "rlnClassNumber": [species + 1 for species in simulated.species.tolist()],
        "rlnOpticsGroup": [1] * count,
        "rlnDefocusU": [ctf.defocus_u] * count,
        "rlnDefocusV": [ctf.defocus_v] * count,
        "rlnDefocusAngle": [ctf.defocus_angle] * count,
        "rlnCtfBfactor": [ctf.b_factor] * count,
    }


def _remove_others(entries: list[LabelEntry]) -> None:
    """Remove the micrographs of an earlier run that made more of them."""
    names = {entry.name for entry in entries}
    for field in FILE_FIELDS:
        for path in getattr(entries[0], field).parent.glob("simulated_*"):
            if path.stem not in names:
                remove_file(path)


def _write_all_coordinates(path: Path, entries: list[LabelEntry]) -> None:
    """One STAR file from those of the micrographs."""
    files = [read_star(entry.coordinates) for entry in entries]
    particles = {
        column: [cell for file in files for cell in file["particles"][column]]
        for column in files[0]["particles"]
    }
    write_star(path, {"optics": files[0]["optics"], "particles": particles})


def _write_species(path: Path, sample: Sample, params: SimulateParams) -> None:
    """The table of the species: number, name, file, share, diameter in Å."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["class", "name", "file", "share", "diameter"])
    for number, (molecule, source, share) in enumerate(
        zip(sample.molecules, params.molecule, sample.weights.tolist(), strict=True), start=1
    ):
        row = [number, molecule.name, source, f"{share:.6f}", f"{molecule.diameter:.3f}"]
        table.writerow(row)
    write_text(path, text.getvalue())


def _write_maps(folder: Path, sample: Sample) -> None:
    """The density of each species, as it was projected."""
    for number, molecule in enumerate(sample.molecules, start=1):
        path = folder / f"{number}_{molecule.name}.mrc"
        with atomic_path(path) as temporary, mrcfile.new(temporary) as file:
            file.set_data(molecule.density.cpu().numpy())
            file.voxel_size = molecule.pixel_size
            file.set_volume()
