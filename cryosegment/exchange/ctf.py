# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast transfer functions (CTF) of micrographs, as estimated by another program."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Dict, List, Mapping

import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.relion import (
    MICROGRAPH,
    OPTICS_GROUP,
    RelionTable,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import write_star

COLUMNS = (
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnDefocusAngle",
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
)
PHASE_SHIFT = "rlnPhaseShift"
"""The columns in the order of `CtfEstimate`; the last is for phase plates and may be missing."""
CTF_NUMBERS = (*COLUMNS, PHASE_SHIFT, OPTICS_GROUP)
"""What `ctf_values` looks for."""


@dataclass(frozen=True)
class CtfEstimate:
    """Contrast transfer function of a micrograph.

    Parameters
    ----------
    defocus_u, defocus_v
        Defocus along and across `defocus_angle`, Å; positive = underfocus.
    defocus_angle
        From the x axis (columns) to the y axis (rows), degrees.
    voltage
        Acceleration voltage, kV.
    spherical_aberration
        Spherical aberration, mm.
    amplitude_contrast
        Fraction of amplitude contrast, in [0, 1).
    phase_shift
        Phase shift of a phase plate, degrees, as in RELION: 90 turn the sine into a cosine.
    """

    defocus_u: float
    defocus_v: float
    defocus_angle: float
    voltage: float
    spherical_aberration: float
    amplitude_contrast: float
    phase_shift: float = 0.0


def read_ctfs(path: PathLike) -> ByMicrograph[CtfEstimate]:
    """CTFs of a RELION STAR file by micrograph name; those with missing values are left out.

    Parameters
    ----------
    path
        Table of micrographs, or of particles, of which the first of each micrograph is taken.
        Voltage, spherical aberration and amplitude contrast may be in the table of optics
        groups. Without a column of phase shifts, these are 0. An empty path gives no CTFs.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or holds text.
    """
    if path == "":
        return ByMicrograph({})
    blocks = read_relion_blocks(path)
    for name, block in blocks.items():
        if name != "optics" and MICROGRAPH in block:
            table = read_relion_table(path, blocks, block, (CTF_NUMBERS, (MICROGRAPH,)))
            return _by_name(table.micrographs(), ctf_values(table))
    raise InputError(f"expected a table with the column {MICROGRAPH} in {path}, found none")


def write_ctfs(path: PathLike, estimates: Mapping[str, CtfEstimate]) -> None:
    """Write the CTFs of micrographs as a STAR file with RELION's columns.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    rows = [astuple(estimate) for estimate in estimates.values()]
    columns = {
        name: [float(row[i]) for row in rows] for i, name in enumerate((*COLUMNS, PHASE_SHIFT))
    }
    write_star(path, {"micrographs": {MICROGRAPH: list(estimates), **columns}})


def ctf_values(table: RelionTable) -> np.ndarray:
    """Values of each row in the order of `CtfEstimate`, (n, 7); NaN where one is missing.

    Raises
    ------
    InputError
        If a column is missing.
    """
    values = [_column(table, column) for column in COLUMNS]
    has_plate = PHASE_SHIFT in table or PHASE_SHIFT in table.optics
    values.append(_column(table, PHASE_SHIFT) if has_plate else np.zeros(table.count))
    return np.stack(values, axis=1)


def _column(table: RelionTable, column: str) -> np.ndarray:
    values = table.known((column,))
    if values is None:
        values = table.of_optics_groups((column,))
    if values is None:
        raise InputError(
            f"expected the column {column} in {table.path}, not found: give what an estimation "
            "of CTFs wrote"
        )
    return values


def _by_name(names: List[str], values: np.ndarray) -> ByMicrograph[CtfEstimate]:
    found: Dict[str, CtfEstimate] = {}
    for name, row in zip(names, values.tolist()):
        if np.isfinite(row).all():
            found.setdefault(name, CtfEstimate(*row))
    return ByMicrograph(found)
