# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass
from scipy.ndimage import label as components
from scipy.spatial.distance import pdist

from cryosegment.core.simulation.fragments import break_molecule
from cryosegment.core.simulation.molecule import Molecule, read_molecule


@pytest.fixture(scope="module")
def molecule():
    return read_molecule("builtin", 8.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_fragment_is_a_centred_part_of_the_molecule(molecule, seed):
    fragment = break_molecule(molecule, torch.Generator().manual_seed(seed))
    size = len(fragment.density)
    share = float(fragment.support.sum() / molecule.support.sum())
    assert 0.24 < share < 0.71
    assert size % 2 == 0
    centre = center_of_mass(fragment.support.numpy())
    np.testing.assert_allclose(centre, size // 2, atol=0.51)
    voxels = np.argwhere(fragment.support.numpy())
    assert fragment.diameter == pytest.approx((pdist(voxels).max() + 1) * 8.0, rel=1e-6)
    assert components(fragment.density.numpy() > 0.3)[1] <= 4


def test_a_fragment_of_a_ball_lies_on_one_side_of_a_plane():
    """The cut of a ball of radius 1 at height h leaves (2 + h) (1 - h)^2 / 4 of its volume."""
    axis = torch.arange(40) - 20.0
    ball = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 < 14**2
    whole = Molecule(ball.float(), ball, 2.0, 58.0, "ball")
    fragment = break_molecule(whole, torch.Generator().manual_seed(5))
    share = float(fragment.support.sum() / ball.sum())
    heights = np.linspace(-1, 1, 2001)
    height = heights[np.argmin(np.abs((2 + heights) * (1 - heights) ** 2 / 4 - share))]
    depth = np.linalg.svd(
        np.argwhere(fragment.support.numpy()) - len(fragment.support) // 2, full_matrices=False
    )
    along = np.ptp(np.argwhere(fragment.support.numpy()) @ depth[2][2])
    assert along == pytest.approx(14 * (1 - height), abs=2.5)


def test_the_molecule_stays_as_it_was(molecule):
    before = dataclasses.replace(
        molecule, density=molecule.density.clone(), support=molecule.support.clone()
    )
    break_molecule(molecule, torch.Generator().manual_seed(1))
    assert torch.equal(molecule.density, before.density)
    assert torch.equal(molecule.support, before.support)
