# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural molecules: variety beyond what any set of known structures has."""

from __future__ import annotations

import numpy as np

from cryosegment.core.simulation.molecule import Molecule, molecule_from_atoms

ATOMS = 6000


def random_molecule(
    pixels_per_diameter: float, random: np.random.Generator, name: str = "procedural"
) -> Molecule:
    """A molecule of a few lobes under a random point symmetry.

    Parameters
    ----------
    pixels_per_diameter
        How fine the grid is.
    random
        Source of randomness.
    name
        The molecule's name.

    Notes
    -----
    Lobes are ellipsoidal clouds of atoms along a random walk; C1 to C8 and D2 to D8 symmetries,
    and hollow shells, give discs, rods, rings, barrels and capsids.
    """
    positions = _shell(random) if random.random() < 0.15 else _lobes(random)
    spread = np.linalg.norm(positions - positions.mean(0), axis=1)
    diameter = float(np.exp(random.uniform(np.log(80), np.log(350))))
    positions *= diameter / (2 * np.percentile(spread, 98))
    pixel_size = diameter / pixels_per_diameter
    weights = np.ones(len(positions))
    return molecule_from_atoms(positions, weights, pixel_size, 3 * pixel_size, name)


def _lobes(random: np.random.Generator) -> np.ndarray:
    """Atom positions of a random walk of ellipsoids, repeated by a symmetry."""
    count = int(random.integers(1, 6))
    center = np.array([0.0, random.choice([0.0, random.uniform(0.5, 3.0)]), 0.0])
    atoms = []
    for _ in range(count):
        axes = np.diag(np.exp(random.normal(0, 0.4, 3)))
        turn, _ = np.linalg.qr(random.standard_normal((3, 3)))
        cloud = random.standard_normal((ATOMS // count, 3)) * 0.6
        atoms.append(center + cloud @ axes @ turn)
        center = center + random.normal(0, 1.2, 3)
    return np.concatenate([np.concatenate(atoms) @ turn.T for turn in _symmetry(random)])


def _symmetry(random: np.random.Generator) -> list[np.ndarray]:
    """Rotations of C1 to C8 or D2 to D8 about z (first axis)."""
    kind = random.random()
    fold = 1 if kind < 0.4 else int(random.integers(2, 9))
    turns = []
    for step in range(fold):
        angle = 2 * np.pi * step / fold
        cosine, sine = np.cos(angle), np.sin(angle)
        turns.append(np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]))
    if fold > 1 and kind > 0.75:
        flip = np.diag([-1.0, -1.0, 1.0])
        turns += [turn @ flip for turn in turns]
    return turns


def _shell(random: np.random.Generator) -> np.ndarray:
    """A hollow sphere or barrel."""
    points = random.standard_normal((2 * ATOMS, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= random.uniform(0.7, 1.0, (len(points), 1)) ** random.uniform(0.1, 1.0)
    return points * np.array([random.uniform(0.6, 1.5), 1.0, 1.0])
