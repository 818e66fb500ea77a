# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural molecules: variety beyond what any set of known structures has."""

from __future__ import annotations

import numpy as np

from cryosegment.core.simulation.molecule import Molecule, molecule_from_atoms

ATOMS = 6000
SHARES = (0.58, 0.12, 0.08, 0.08, 0.14)
"""How often each kind of body is drawn."""
DETERGENT = 0.5
"""Contrast of detergent against ice over that of protein."""

Body = tuple[np.ndarray, np.ndarray]
"""Positions `(n, 3)` and weights `(n,)` of atoms."""


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
    hollow and filled shells, rings, and belts of detergent around lobes give discs, rods, barrels,
    capsids, viruses and membrane proteins.
    """
    kinds = (_lobes, _shell, _filled, _ring, _in_detergent)
    positions, weights = kinds[random.choice(len(kinds), p=SHARES)](random)
    spread = np.linalg.norm(positions - positions.mean(0), axis=1)
    diameter = float(np.exp(random.uniform(np.log(80), np.log(350))))
    positions *= diameter / (2 * np.percentile(spread, 98))
    pixel_size = diameter / pixels_per_diameter
    return molecule_from_atoms(positions, weights, pixel_size, 3 * pixel_size, name)


def _lobes(random: np.random.Generator) -> Body:
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
    return _even(np.concatenate([np.concatenate(atoms) @ turn.T for turn in _symmetry(random)]))


def _even(positions: np.ndarray) -> Body:
    """Atoms of one weight."""
    return positions, np.ones(len(positions))


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


def _shell(random: np.random.Generator) -> Body:
    """A hollow sphere or barrel."""
    points = _on_sphere(2 * ATOMS, random)
    points *= random.uniform(0.7, 1.0, (len(points), 1)) ** random.uniform(0.1, 1.0)
    return _even(points * np.array([random.uniform(0.6, 1.5), 1.0, 1.0]))


def _filled(random: np.random.Generator) -> Body:
    """A shell with something inside, as of a virus with its genome."""
    shell, inside = _on_sphere(2 * ATOMS, random), _on_sphere(2 * ATOMS, random)
    inner = random.uniform(0.6, 0.9)
    shell *= random.uniform(inner, 1.0, (len(shell), 1))
    inside *= inner * random.random((len(inside), 1)) ** (1 / 3)
    weights = np.repeat([1.0, random.uniform(0.1, 1.0)], [len(shell), len(inside)])
    return np.concatenate((shell, inside)), weights


def _ring(random: np.random.Generator) -> Body:
    """A ring, plain or of beads."""
    angle = random.uniform(0, 2 * np.pi, 2 * ATOMS)
    if random.random() < 0.6:
        fold = random.integers(5, 16)
        angle = np.round(angle * fold / (2 * np.pi)) * 2 * np.pi / fold
    circle = np.stack((np.zeros_like(angle), np.sin(angle), np.cos(angle)), 1)
    thickness = random.uniform(0.08, 0.3, 2)[[0, 1, 1]]
    return _even(circle + random.normal(0, 0.6, circle.shape) * thickness)


def _in_detergent(random: np.random.Generator) -> Body:
    """Lobes of which the middle lies in a flat disc of detergent or lipid."""
    protein, weights = _lobes(random)
    width = np.linalg.norm(protein[:, 1:], axis=1).max()
    disc = _on_sphere(2 * ATOMS, random) * random.random((2 * ATOMS, 1)) ** (1 / 3)
    height = random.uniform(0.25, 0.5)
    disc *= random.uniform(0.6, 1.1) * width * np.array([height, 1.0, 1.0])
    lift = random.uniform(-0.3, 0.3) * np.ptp(protein[:, 0])
    disc[:, 0] += protein[:, 0].mean() + lift
    belt = np.full(len(disc), DETERGENT * weights.sum() / len(disc))
    return np.concatenate((protein, disc)), np.concatenate((weights, belt))


def _on_sphere(count: int, random: np.random.Generator) -> np.ndarray:
    """Points of the unit sphere."""
    points = random.standard_normal((count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)
