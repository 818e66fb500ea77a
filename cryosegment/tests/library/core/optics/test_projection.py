# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from cryosegment.core.optics.projection import (
    project,
    random_angles,
    rotation_matrices,
    silhouettes,
)
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.errors import InputError


@pytest.fixture(scope="module")
def molecule():
    return read_molecule("builtin", 6.0)


@pytest.fixture
def angles():
    return random_angles(8, torch.Generator().manual_seed(3))


def rotate(volume, rotation):
    """The volume, turned by A about voxel n // 2, by cubic splines; the file's order is z y x."""
    inverse = rotation.T[::-1, ::-1]
    centre = np.full(3, volume.shape[0] // 2)
    return affine_transform(volume, inverse, centre - inverse @ centre, order=3)


def test_projections_agree_with_relion(relion, molecule, angles):
    relion.write_map("map.mrc", molecule.density.numpy(), 6.0)
    rows = np.concatenate((angles.numpy(), np.zeros((8, 3))), axis=1)
    relion.write_star("in.star", "x.mrcs", rows, pixel_size=6.0, size=molecule.density.shape[0])
    relion.run("relion_project", "--i", "map.mrc", "--ang", "in.star", "--o", "out", "--angpix", 6)
    expected = mrcfile.read(relion.folder / "out.mrcs")
    found = project(molecule.density, rotation_matrices(angles)).numpy()
    for ours, theirs in zip(found, expected, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
        for other in (theirs[::-1], theirs[:, ::-1], np.roll(theirs, 1, 0), np.roll(theirs, 1, 1)):
            assert np.corrcoef(ours.ravel(), other.ravel())[0, 1] < 0.995


def test_projections_agree_with_a_rotated_volume(molecule, angles):
    rotations = rotation_matrices(angles)
    found = project(molecule.density, rotations).numpy()
    for image, rotation in zip(found, rotations.numpy(), strict=True):
        expected = rotate(molecule.density.numpy(), rotation).sum(axis=0)
        np.testing.assert_allclose(image, expected, atol=0.03 * expected.max())


def test_projection_without_rotation_is_the_sum(molecule):
    found = project(molecule.density, torch.eye(3)[None])
    expected = molecule.density.sum(dim=0)
    torch.testing.assert_close(found[0], expected, atol=0.04 * float(expected.max()), rtol=0)


def test_rotation_matrices_turn_about_z_then_y_then_z():
    matrices = rotation_matrices(torch.tensor([[90.0, 0, 0], [0, 90.0, 0], [90.0, 90.0, 90.0]]))
    x, z = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
    torch.testing.assert_close(matrices[0] @ x, torch.tensor([0, -1.0, 0]))
    torch.testing.assert_close(matrices[1] @ z, torch.tensor([-1.0, 0, 0]))
    torch.testing.assert_close(matrices[2], matrices[0] @ matrices[1] @ matrices[0])


def test_random_angles_are_uniform_on_the_sphere():
    angles = random_angles(20000, torch.Generator().manual_seed(1))
    up = torch.cos(torch.deg2rad(angles[:, 1]))
    assert abs(float(up.mean())) < 0.02
    assert float(up.square().mean()) == pytest.approx(1 / 3, abs=0.01)


def test_silhouettes_agree_with_a_rotated_body(molecule, angles):
    rotations = rotation_matrices(angles)
    found = silhouettes(molecule.support, rotations).numpy()
    for mask, rotation in zip(found, rotations.numpy(), strict=True):
        expected = (rotate(molecule.support.double().numpy(), rotation) > 0.5).any(axis=0)
        assert (mask & expected).sum() / (mask | expected).sum() > 0.94


def test_a_silhouette_has_no_holes_and_the_area_of_its_ball():
    grid = torch.stack(torch.meshgrid(*[torch.arange(64.0) - 32] * 3, indexing="ij"))
    support = grid.square().sum(dim=0) < 20.0**2
    masks = silhouettes(support, rotation_matrices(torch.tensor([[0.0, 0, 0], [45.0, 54.7, 20.0]])))
    for mask in masks:
        assert float(mask.sum()) == pytest.approx(np.pi * 20**2, rel=0.05)
        assert bool(mask[20:45, 20:45].all())


def test_volumes_must_be_cubic_and_even():
    for shape in ((8, 8, 6), (7, 7, 7)):
        with pytest.raises(InputError, match="cubic"):
            project(torch.zeros(shape), torch.eye(3)[None])
