# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of a model file, and the pseudo-atoms of the built-in and other procedural molecules."""

from __future__ import annotations

import os
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from cryosegment.exchange.errors import InputError

FARTHEST = 1e6
"""Atoms farther from the origin, Å, are damaged, or not a number."""
GEMMI_ERRORS = (RuntimeError, ValueError, IndexError, OSError)
"""What gemmi raises on damaged files, and on assemblies of chains that are not there."""
Atoms = tuple[NDArray[np.float64], NDArray[np.float64]]

# One residue of protein: mean volume (Å3) and mean electrons.
RESIDUE_VOLUME = 134.0
RESIDUE_ELECTRONS = 59.0
# The built-in molecule: (centre z y x, half axes z y x), Å. A body, a bent arm that ends in a
# head, a foot and a thin stalk: no symmetry, handed, 180 Å long.
BUILTIN_DOMAINS = (
    ((-18.0, 0.0, 0.0), (30.0, 44.0, 36.0)),
    ((20.0, 14.0, -8.0), (28.0, 26.0, 30.0)),
    ((36.0, -14.0, 26.0), (16.0, 30.0, 16.0)),
    ((28.0, -46.0, 44.0), (20.0, 18.0, 24.0)),
    ((-12.0, 58.0, -22.0), (22.0, 30.0, 16.0)),
    ((-34.0, 10.0, 42.0), (14.0, 14.0, 26.0)),
)
BUILTIN_SEED = 20250213


def read_atoms(path: Path, assembly: str = "1") -> Atoms:
    """Atom positions (Å, z y x) and electrons of a PDB or mmCIF file, waters left out.

    Parameters
    ----------
    path
        `.pdb`, `.ent`, `.cif` or `.mmcif`, optionally gzipped.
    assembly
        Biological assembly to build; "asu", or a name the file does not define: atoms as written.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or holds no atoms or one far away.
    """
    if not os.path.isfile(path):  # false for names that are too long, too
        raise InputError(f"expected a molecule at {path}, found no file: check the path")
    try:
        structure = gemmi.read_structure(str(path))
        if len(structure) == 0:
            raise InputError(f"expected atoms in {path}, found none: give another file")
        structure.setup_entities()
        model = _assemble(structure, assembly)
    except GEMMI_ERRORS as error:
        raise InputError(f"expected a PDB or mmCIF model in {path}: {error}") from error
    structure.remove_waters()
    atoms = [
        (*atom.pos.tolist()[::-1], atom.element.atomic_number * atom.occ)
        for chain in model
        for residue in chain
        if not residue.is_water()
        for atom in residue
    ]
    table = np.array(atoms, dtype=np.float64).reshape(-1, 4)
    table = table[table[:, 3] > 0]
    if not (np.abs(table) < FARTHEST).all():
        raise InputError(f"expected atoms within {FARTHEST:g} Å in {path}, found one beyond")
    return table[:, :3], table[:, 3]


def procedural_atoms(
    domains: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...], random: np.random.Generator
) -> Atoms:
    """Pseudo-residues that fill a union of ellipsoids at the density of protein.

    Parameters
    ----------
    domains
        Centre and half axes of each ellipsoid, Å, in z y x.
    random
        Source of the positions.
    """
    centres = np.array([centre for centre, _ in domains])
    axes = np.array([half_axes for _, half_axes in domains])
    low, high = (centres - axes).min(axis=0), (centres + axes).max(axis=0)
    count = int(np.prod(high - low) / RESIDUE_VOLUME)
    points = random.uniform(low, high, (count, 3))
    inside = np.zeros(count, dtype=bool)
    for centre, half_axes in zip(centres, axes, strict=True):
        inside |= (((points - centre) / half_axes) ** 2).sum(axis=1) < 1
    points = points[inside]
    return points, np.full(len(points), RESIDUE_ELECTRONS)


def builtin_atoms() -> Atoms:
    """The built-in molecule: always the same pseudo-residues, about 180 Å long."""
    return procedural_atoms(BUILTIN_DOMAINS, np.random.default_rng(BUILTIN_SEED))


def _assemble(structure: gemmi.Structure, assembly: str) -> gemmi.Model:
    for candidate in structure.assemblies:
        if candidate.name == assembly:
            return gemmi.make_assembly(candidate, structure[0], gemmi.HowToNameCopiedChain.Short)
    return structure[0]
