# SPDX-License-Identifier: GPL-3.0-or-later
"""A small atomic model with a biological assembly, as PDB and as mmCIF."""

from __future__ import annotations

import gemmi
import numpy as np

ATOM = "ATOM  %5d  CA  ALA A%4d    %8.3f%8.3f%8.3f  1.00 20.00           C\n"
PDB = "REMARK 350 BIOMOLECULE: 1\nREMARK 350 APPLY THE FOLLOWING TO CHAINS: A\n"
PDB += "".join(
    f"REMARK 350   BIOMT{i}   1{x:10.6f}{y:10.6f}{z:10.6f}        0.00000\n"
    for i, (x, y, z) in enumerate(np.eye(3), start=1)
)
PDB += "".join(ATOM % (i, i, i, 2 * i, 3 * i) for i in range(1, 6)) + "END\n"


def mmcif() -> str:
    """The same model as mmCIF."""
    structure = gemmi.read_pdb_string(PDB)
    structure.setup_entities()
    return str(structure.make_mmcif_document().as_string())
