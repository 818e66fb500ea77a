# SPDX-License-Identifier: GPL-3.0-or-later
"""The matching test: RELION reconstructs the molecule from simulated micrographs and their truth.

Hand, sign of the CTF, direction of the y axis, astigmatism and origin are all checked at once.
"""

import mrcfile
import numpy as np
import pytest

from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.core.simulation.writer import write_simulation
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.star import read_star

PIXEL_SIZE, BOX = 6.0, 48
PARAMS = SimulateParams(
    count=3,
    size=(720, 800),
    pixel_size=PIXEL_SIZE,
    snr=1.0,
    particles=120,
    astigmatism=3000.0,
    b_factor=0.0,
    seed=4,
)


def extract(folder, columns):
    """Boxes of BOX px around the coordinates, protein bright, mean 0."""
    centres = np.array([columns["rlnCoordinateY"], columns["rlnCoordinateX"]], dtype=float).T
    images = {
        name: np.pad(mrcfile.read(folder / name), BOX, mode="reflect")
        for name in set(columns["rlnMicrographName"])
    }
    boxes = []
    for name, (y, x) in zip(columns["rlnMicrographName"], centres.astype(int), strict=True):
        top, left = y + BOX - BOX // 2, x + BOX - BOX // 2
        box = images[name][top : top + BOX, left : left + BOX]
        boxes.append(box.mean() - box)
    return np.array(boxes, dtype=np.float32)


@pytest.fixture
def reconstructed(relion):
    write_simulation(relion.folder, PARAMS)
    columns = read_star(relion.folder / "truth" / "coordinates.star")["particles"]
    names = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
    names += ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
    rows = np.array([columns[name] for name in names], dtype=float).T
    with mrcfile.new(relion.folder / "boxes.mrcs") as file:
        file.set_data(extract(relion.folder, columns))
        file.voxel_size = PIXEL_SIZE
    relion.write_star("boxes.star", "boxes.mrcs", rows, pixel_size=PIXEL_SIZE, size=BOX)
    arguments = ("--i", "boxes.star", "--o", "map.mrc", "--ctf", "--maxres", "14", "--pad", "1")
    relion.run("relion_reconstruct", *arguments)
    return mrcfile.read(relion.folder / "map.mrc")


def test_relion_finds_the_molecule_as_it_is_and_not_its_mirror(reconstructed):
    molecule = read_molecule("builtin", PIXEL_SIZE).density.numpy()
    margin = (molecule.shape[0] - BOX) // 2
    padding = max(-margin, 0)
    truth = np.pad(molecule, padding)
    margin = max(margin, 0)
    truth = truth[margin : margin + BOX, margin : margin + BOX, margin : margin + BOX]

    def agreement(volume):
        return np.corrcoef(reconstructed.ravel(), volume.ravel())[0, 1]

    assert agreement(truth) > 0.9
    assert agreement(truth[::-1]) < 0.7
    for axis in range(3):
        assert agreement(np.roll(truth, 1, axis)) < agreement(truth) - 0.03
