# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import gzip

import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.core.simulation.molecule import (
    molecule_from_atoms,
    molecule_from_map,
    read_molecule,
)
from cryosegment.exchange.errors import InputError, ParameterError

PDB = """\
CRYST1  400.000  400.000  400.000  90.00  90.00  90.00 P 1           1
REMARK 350 BIOMOLECULE: 1
REMARK 350 APPLY THE FOLLOWING TO CHAINS: A
REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000
REMARK 350   BIOMT1   2  1.000000  0.000000  0.000000       60.00000
REMARK 350   BIOMT2   2  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        0.00000
ATOM      1  CA  ALA A   1      10.000  20.000  30.000  1.00 10.00           C
HETATM    2  O   HOH A   2      90.000  20.000  30.000  1.00 10.00           O
END
"""


def ball(size, centre, radius):
    grid = np.indices((size,) * 3) - np.reshape(centre, (3, 1, 1, 1))
    return 1 / (1 + np.exp(2 * (np.sqrt((grid**2).sum(axis=0)) - radius)))


def write_map(path, volume, voxel_size):
    with mrcfile.new(path, volume.astype(np.float32)) as file:
        file.voxel_size = voxel_size
        file.set_volume()
    return path


def test_atoms_become_gaussians_of_the_stated_resolution():
    atoms = np.array([[0.0, 0.0, 21.3], [0.0, 0.0, -21.3]])
    molecule = molecule_from_atoms(atoms, np.array([6.0, 6.0]), 2.0, 10.0, "pair")
    n = molecule.density.shape[0]
    x = (np.arange(n) - n // 2) * 2.0
    expected = sum(np.exp(-((np.pi * (x - at) / 10.0) ** 2)) for at in (21.3, -21.3))
    row = molecule.density[n // 2, n // 2].numpy()
    np.testing.assert_allclose(row / row.max(), expected / expected.max(), atol=0.03)


def test_builtin_molecule_is_180_angstrom_centred_and_solid():
    molecule = read_molecule("builtin", 4.0)
    n = molecule.density.shape[0]
    grid = torch.stack(torch.meshgrid(*[torch.arange(n) - n // 2] * 3, indexing="ij"))
    centre = (grid * molecule.density).sum(dim=(1, 2, 3)) / molecule.density.sum()
    assert molecule.diameter == pytest.approx(180, abs=8)
    assert centre.abs().max() < 0.05
    assert molecule.density[molecule.support].mean() == pytest.approx(1, abs=1e-4)
    assert molecule.density[~molecule.support].abs().mean() < 0.02
    assert molecule.name == "builtin"


def test_builtin_molecule_is_the_same_at_every_pixel_size():
    fine, coarse = read_molecule("builtin", 3.0), read_molecule("builtin", 6.0)
    volumes = [float(m.support.sum()) * m.pixel_size**3 for m in (fine, coarse)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.08)
    assert fine.diameter == pytest.approx(coarse.diameter, abs=9)


def test_assembly_is_built_and_water_left_out(tmp_path):
    path = tmp_path / "two.pdb.gz"
    path.write_bytes(gzip.compress(PDB.encode()))
    whole = read_molecule(path, 4.0, resolution=16.0)
    single = read_molecule(path, 4.0, resolution=16.0, assembly="asu")
    n = whole.density.shape[0]
    peaks = whole.density[n // 2, n // 2]
    assert whole.name == "two"
    assert peaks[[n // 2 - 8, n // 2 - 7, n // 2 + 7, n // 2 + 8]].min() > 3 * peaks[n // 2]
    assert single.diameter < 40 < whole.diameter


def test_map_keeps_its_largest_body_and_hand(tmp_path):
    truth = read_molecule("builtin", 4.0, resolution=16.0)
    box = np.zeros((80, 90, 110), dtype=np.float32)
    n = truth.density.shape[0]
    box[10 : 10 + n, 5 : 5 + n, 40 : 40 + n] = 7 * truth.density.numpy()
    box[:8, -8:, :8] += 7 * ball(8, (4, 4, 4), 2.5)
    path = write_map(tmp_path / "map.mrc", box + 3, 4.0)
    molecule = read_molecule(path, 4.0, resolution=8.0)
    cut = (n - molecule.density.shape[0]) // 2
    found = molecule.density.numpy()
    reference = truth.density[cut : n - cut, cut : n - cut, cut : n - cut].numpy()
    assert np.corrcoef(found.ravel(), reference.ravel())[0, 1] > 0.99
    assert np.corrcoef(found[::-1].ravel(), reference.ravel())[0, 1] < 0.9
    assert molecule.diameter == pytest.approx(truth.diameter, abs=8)


def test_map_is_resampled_to_the_pixel_size():
    volume = ball(40, (21.0, 17.0, 20.0), 10.0).astype(np.float32)
    molecule = molecule_from_map(volume, 4.0, 2.5, 8.0, "ball")
    expected = 4 / 3 * np.pi * 40.0**3
    assert float(molecule.support.sum()) * 2.5**3 == pytest.approx(expected, rel=0.12)
    assert molecule.diameter == pytest.approx(80, abs=6)


@pytest.mark.parametrize(("source", "pixel_size"), [("builtin", 0.0), ("builtin", -1.0)])
def test_pixel_size_must_be_positive(source, pixel_size):
    with pytest.raises(ParameterError, match="pixel size"):
        read_molecule(source, pixel_size)


def test_files_that_cannot_be_molecules_are_named(tmp_path):
    text = tmp_path / "molecule.txt"
    text.write_text("no molecule")
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"MAP")
    empty = tmp_path / "empty.pdb"
    empty.write_text("END\n")
    flat = write_map(tmp_path / "flat.mrc", np.ones((8, 8, 8)), 4.0)
    unscaled = write_map(tmp_path / "unscaled.mrc", ball(8, (4, 4, 4), 2), 0.0)
    missing = tmp_path / "missing.cif"
    far = tmp_path / "far.pdb"
    place = f"{'nan':>8}{2:8.3f}{3:8.3f}"
    far.write_text(f"ATOM      1  CA  ALA A   1    {place}  1.00 20.00           C\nEND\n")
    for path in (text, broken, empty, flat, unscaled, missing, far):
        with pytest.raises(InputError, match=path.stem):
            read_molecule(path, 2.0)


def test_a_box_too_large_for_memory_is_refused():
    atoms = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3000.0]])
    with pytest.raises(InputError, match="larger pixel size"):
        molecule_from_atoms(atoms, np.ones(2), 1.0, 3.0, "chain")


@pytest.mark.parametrize("name", ["4hhb.cif.gz", "3d2f.pdb.gz", "3cf3.pdb.gz", "5a1a.cif.gz"])
def test_real_models_have_the_diameters_of_their_assemblies(shared_data, name):
    folder = shared_data / "maps"
    with (folder / "models.tsv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    expected = float(rows[name]["diam_assembly1_A"])
    assert read_molecule(folder / "models" / name, 4.0).diameter == pytest.approx(expected, rel=0.1)


def test_a_real_map_has_the_diameter_of_its_model(shared_data):
    folder = shared_data / "maps"
    found = read_molecule(folder / "densities" / "betaGal.mrc.gz", 4.0)
    assert found.diameter == pytest.approx(185, rel=0.06)
