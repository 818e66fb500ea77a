# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryosegment.cli.devices import choose_devices
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.star import Block, read_star, write_star

if TYPE_CHECKING:
    import torch

    from cryosegment.core.simulation.micrograph import SimulatedMicrograph
    from cryosegment.core.simulation.molecule import Molecule

PARTICLES = "particles"  # name of the STAR block


def run_simulate(job: Job, params: SimulateParams, progress: Progress) -> None:
    """Simulate micrographs, with their truth as a labels folder."""
    from cryosegment.core.simulation.molecule import read_molecule

    device = choose_devices(params.gpu)[0]
    folder = Path(job.output)
    molecule = _moved(read_molecule(params.molecule, params.pixel_size), device)
    entries = [_entry(folder, i, params, molecule.diameter) for i in range(params.count)]
    for i, entry in enumerate(entries):
        if not (params.resume and entry.coordinates.exists()):
            _simulate(entry, params, molecule, _generator(params.seed, i, device))
        progress(i + 1, params.count, entry.name)
    blocks = [read_star(entry.coordinates)[PARTICLES] for entry in entries]
    _write_all_coordinates(folder / "truth" / "coordinates.star", params, blocks)
    write_labels_index(folder / "truth", LabelsIndex(tuple(entries), "simulation"))
    count = sum(len(block["rlnCoordinateX"]) for block in blocks)
    print(
        f"{count} particles of {molecule.diameter:.0f} Å on {params.count} micrographs in {folder}"
    )


def _moved(molecule: Molecule, device: str) -> Molecule:
    from dataclasses import replace

    return replace(
        molecule, density=molecule.density.to(device), support=molecule.support.to(device)
    )


def _generator(seed: int, index: int, device: str) -> torch.Generator:
    """A stream of its own for each micrograph, so that their number does not matter."""
    import numpy as np
    import torch

    state = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0] >> np.uint64(1)))


def _entry(folder: Path, index: int, params: SimulateParams, diameter: float) -> LabelEntry:
    name, truth = f"simulated_{index + 1:04d}", folder / "truth"
    return LabelEntry(
        name=name,
        micrograph=folder / "micrographs" / f"{name}.mrc",
        instances=truth / "instances" / f"{name}.mrc",
        classes=truth / "classes" / f"{name}.mrc",
        coordinates=truth / "coordinates" / f"{name}.star",
        pixel_size=params.pixel_size,
        shape=params.size,
        diameter=diameter,
    )


def _simulate(
    entry: LabelEntry, params: SimulateParams, molecule: Molecule, generator: torch.Generator
) -> None:
    """Simulate one micrograph and write its files, the coordinates last: they say it is done."""
    from cryosegment.core.images.micrograph import write_image
    from cryosegment.core.simulation.micrograph import simulate_micrograph

    made = simulate_micrograph(params, molecule, generator)
    write_image(entry.micrograph, made.image, params.pixel_size)
    write_image(entry.instances, made.instances, params.pixel_size)
    write_image(entry.classes, made.classes, params.pixel_size)
    write_star(entry.coordinates, {PARTICLES: _truth_columns(entry.name, made)})


def _truth_columns(name: str, made: SimulatedMicrograph) -> dict[str, Sequence[str | float]]:
    count = len(made.centers_yx)
    y, x = made.centers_yx.double().T.tolist() if count else ([], [])
    rot, tilt, psi = made.angles.double().T.tolist() if count else ([], [], [])
    return {
        "rlnMicrographName": [f"micrographs/{name}.mrc"] * count,
        "rlnCoordinateX": x,
        "rlnCoordinateY": y,
        "rlnAngleRot": rot,
        "rlnAngleTilt": tilt,
        "rlnAnglePsi": psi,
        "rlnOriginXAngst": [0.0] * count,
        "rlnOriginYAngst": [0.0] * count,
        "rlnDefocusU": [made.ctf.defocus_u] * count,
        "rlnDefocusV": [made.ctf.defocus_v] * count,
        "rlnDefocusAngle": [made.ctf.defocus_angle] * count,
        "rlnOpticsGroup": ["1"] * count,
    }


def _write_all_coordinates(path: Path, params: SimulateParams, blocks: Sequence[Block]) -> None:
    optics = {
        "rlnOpticsGroupName": ["simulated"],
        "rlnOpticsGroup": [1],
        "rlnMicrographOriginalPixelSize": [params.pixel_size],
        "rlnMicrographPixelSize": [params.pixel_size],
        "rlnVoltage": [params.voltage],
        "rlnSphericalAberration": [params.spherical_aberration],
        "rlnAmplitudeContrast": [params.amplitude_contrast],
    }
    particles = {
        column: [value for block in blocks for value in block[column]] for column in blocks[0]
    }
    write_star(path, {"optics": optics, PARTICLES: particles})
