# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.simulation.molecule import Molecule
from cryosegment.core.simulation.shapes import _symmetry, random_molecule


@pytest.fixture(scope="module")
def molecules() -> list[Molecule]:
    return [random_molecule(16.0, np.random.default_rng(seed)) for seed in range(8)]


def test_the_same_seed_gives_the_same_molecule(molecules: list[Molecule]) -> None:
    again = random_molecule(16.0, np.random.default_rng(2))
    assert (again.density == molecules[2].density).all()
    assert again.diameter == molecules[2].diameter
    assert len({molecule.diameter for molecule in molecules}) == 8


def test_sizes(molecules: list[Molecule]) -> None:
    """98 of 100 atoms lie within the diameter that was drawn; the surface follows."""
    for molecule in molecules:
        assert 40 < molecule.diameter < 500
        assert 9 < molecule.diameter / molecule.pixel_size < 22
        assert molecule.support.any()
        assert float(molecule.density[molecule.support].mean()) == pytest.approx(1, abs=1e-4)


def test_symmetries_are_groups_of_rotations() -> None:
    orders = set()
    for seed in range(40):
        turns = _symmetry(np.random.default_rng(seed))
        orders.add(len(turns))
        for turn in turns:
            np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
            assert np.linalg.det(turn) == pytest.approx(1)
        for product in (first @ second for first in turns for second in turns):
            assert sum(np.allclose(product, turn) for turn in turns) == 1
    assert 1 in orders
    assert len(orders) > 6
    assert max(orders) > 8
