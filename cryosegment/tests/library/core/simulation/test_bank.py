# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from cryosegment.core.simulation.bank import (
    PIXELS_PER_DIAMETER,
    SIDE,
    ProjectionBank,
    build_bank,
    read_bank,
)
from cryosegment.core.simulation.molecule import Molecule, molecule_from_atoms, read_molecule


@pytest.fixture(scope="module")
def molecules() -> list[Molecule]:
    """The built-in molecule and a rod, at the bank's scale."""
    size = read_molecule("builtin", 8.0).diameter
    rod = np.zeros((400, 3))
    rod[:, 0] = np.linspace(-45, 45, 400)
    rod[:, 1:] = np.random.default_rng(0).normal(0, 6, (400, 2))
    voxel = 100 / PIXELS_PER_DIAMETER
    return [
        read_molecule("builtin", size / PIXELS_PER_DIAMETER),
        molecule_from_atoms(rod, np.ones(400), voxel, 3 * voxel, "rod"),
    ]


@pytest.fixture(scope="module")
def bank(molecules: list[Molecule]) -> ProjectionBank:
    return build_bank(molecules, 12, torch.Generator().manual_seed(0))


def test_shapes(bank: ProjectionBank, molecules: list[Molecule]) -> None:
    assert bank.projections.shape == bank.silhouettes.shape == (2, 12, SIDE, SIDE)
    assert bank.diameters.tolist() == pytest.approx([m.diameter for m in molecules])


def test_projections_are_scaled_by_their_silhouettes(bank: ProjectionBank) -> None:
    for projections, outlines in zip(bank.projections, bank.silhouettes, strict=True):
        assert set(outlines.unique().tolist()) == {0.0, 1.0}
        assert float(projections[outlines > 0].mean()) == pytest.approx(1, abs=1e-5)
        assert float(projections[outlines == 0].abs().mean()) < 0.1


def test_silhouettes_have_the_molecules_size(bank: ProjectionBank) -> None:
    """No view is longer than the molecule; the rod's longest is nearly as long."""
    for outlines in bank.silhouettes:
        spans = [pdist(np.argwhere(outline.numpy() > 0)).max() for outline in outlines]
        assert 0.8 * PIXELS_PER_DIAMETER < max(spans) < 1.1 * PIXELS_PER_DIAMETER


def test_the_centre_of_mass_is_at_the_origin(bank: ProjectionBank) -> None:
    steps = torch.arange(SIDE) - SIDE // 2
    for image in bank.projections.flatten(0, 1):
        middle = torch.stack(((image.sum(1) * steps).sum(), (image.sum(0) * steps).sum()))
        assert (middle / image.sum()).abs().max() < 0.6


def test_views_depend_on_the_generator(molecules: list[Molecule], bank: ProjectionBank) -> None:
    again = build_bank(molecules, 12, torch.Generator().manual_seed(0))
    other = build_bank(molecules, 12, torch.Generator().manual_seed(1))
    assert torch.equal(again.projections, bank.projections)
    assert not torch.equal(other.silhouettes, bank.silhouettes)


def test_a_bank_comes_back(tmp_path: Path, bank: ProjectionBank) -> None:
    bank.save(tmp_path / "bank.safetensors")
    found = read_bank(tmp_path / "bank.safetensors")
    torch.testing.assert_close(found.projections.float(), bank.projections, atol=5e-3, rtol=1e-3)
    assert torch.equal(found.silhouettes.float(), bank.silhouettes)
    assert torch.equal(found.diameters, bank.diameters)
